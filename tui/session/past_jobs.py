"""The jobs that are remembered: which of them are shown, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, ValuesView
from typing import Any

from backend.verdicts.job_sources import SourcedJob
from tui.session.text_filter import TextFilter
from tui.words import past_jobs

SortValue = Callable[[SourcedJob], Any]
"""A sort key of a job; None sorts last in both directions."""


def newest(job: SourcedJob) -> float:
    """When it was requested or, where that is not known, began."""
    return job.requested


class PastJobs:
    """Jobs of all hosts, each once. `host_name`: what the host of a URI is called."""

    def __init__(self, host_name: Callable[[str], str]) -> None:
        self.host_name = host_name
        self.shown: list[SourcedJob] = []
        self.filter = TextFilter()
        self._jobs: dict[str, SourcedJob] = {}
        """By each of the ids under which it is known."""
        self._texts: dict[int, tuple[SourcedJob, str]] = {}
        """What the filter looks at in each job, by its identity, as soon as it was looked at."""
        self._values: dict[int, Any] = {}
        """What each is sorted by, likewise."""
        self._value: SortValue = newest
        self._descending = True

    def __len__(self) -> int:
        return len(self._all)

    def prepare(self, jobs: Iterable[SourcedJob]) -> None:
        """Do in the calling thread what takes time with many jobs, before `change` gets them."""
        for job in jobs:
            self._text(job)

    def change(self, jobs: Iterable[SourcedJob]) -> None:
        """Follow what became of these jobs, some of which may be new."""
        for job in jobs:
            # What two sources know may turn out to be about one job.
            before = [self._jobs[id_] for id_ in job.ids if id_ in self._jobs]
            for other in before:
                self._texts.pop(id(other), None)
                self._values.pop(id(other), None)
                for id_ in other.ids:
                    self._jobs.pop(id_, None)
            self._jobs |= dict.fromkeys(job.ids, job)
        self._show()

    def filter_by(self, text: str) -> None:
        """Show what matches."""
        self.filter = TextFilter(text)
        self._show()

    def sort_by(self, value: SortValue, descending: bool) -> None:
        """Show them in that order; those that are alike, the newest first."""
        self._value, self._values, self._descending = value, {}, descending
        self._show()

    def find(self, job: SourcedJob) -> SourcedJob | None:
        """That job, as it is known now."""
        return next((self._jobs[id_] for id_ in job.ids if id_ in self._jobs), None)

    def index(self, job: SourcedJob) -> int | None:
        """Where it is among those that are shown."""
        return next((index for index, other in enumerate(self.shown) if not other.ids.isdisjoint(job.ids)), None)

    @property
    def hosts(self) -> set[str]:
        """The URIs of all hosts that have jobs."""
        return {job.entry.uri for job in self._all}

    @property
    def _all(self) -> ValuesView[SourcedJob]:
        return {id(job): job for job in self._jobs.values()}.values()

    def _show(self) -> None:
        jobs = [job for job in self._all if not self.filter or self.filter.matches_text(self._text(job))]
        jobs.sort(key=newest, reverse=True)
        if self._value is not newest:
            values = self._values
            for job in jobs:
                if id(job) not in values:
                    values[id(job)] = self._value(job)
            valued = [job for job in jobs if values[id(job)] is not None]
            empty = [job for job in jobs if values[id(job)] is None]
            jobs = sorted(valued, key=lambda job: values[id(job)], reverse=self._descending) + empty
        elif not self._descending:
            jobs.reverse()
        self.shown = jobs

    def _text(self, job: SourcedJob) -> str:
        known = self._texts.get(id(job))
        if known is None:
            words = past_jobs.line(job, self.host_name(job.entry.uri)).casefold()
            known = self._texts[id(job)] = job, words
        return known[1]
