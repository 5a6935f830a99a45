"""What is remembered: which of it is shown, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set, ValuesView
from typing import Any

from backend.observing.remembered import Remembered
from backend.verdicts.job_sources import SourcedJob
from tui.session.text_filter import TextFilter
from tui.words import remembered

SortValue = Callable[[Remembered], Any]
"""A sort key of a job; None sorts last in both directions."""


def newest(job: Remembered) -> tuple[float, str, str]:
    """When it was requested or, where that is not known, began; of one moment, by name."""
    return job.requested, job.domain, (job.entry.disk or "") if isinstance(job, SourcedJob) else ""


class PastJobs:
    """Jobs of all hosts, each once; commands that were run as jobs and queued dumps are among them.

    `host_name`: what the host of a URI is called.
    """

    def __init__(self, host_name: Callable[[str], str]) -> None:
        self.host_name = host_name
        self.shown: list[Remembered] = []
        self.filter = TextFilter()
        self._jobs: dict[str, Remembered] = {}
        """By each of the ids under which it is known."""
        self._texts: dict[int, tuple[Remembered, str]] = {}
        """What the filter looks at in each job, by its identity, as soon as it was looked at."""
        self._values: dict[int, Any] = {}
        """What each is sorted by, likewise."""
        self._value: SortValue = newest
        self._descending = True

    def __len__(self) -> int:
        return len(self._all)

    def prepare(self, jobs: Iterable[Remembered]) -> None:
        """Do in the calling thread what takes time with many jobs, before `change` gets them."""
        for job in jobs:
            self._text(job)

    def change(self, jobs: Iterable[Remembered], gone: Set[str] = frozenset()) -> None:
        """Follow what became of these jobs, some of which may be new; those with the ids of `gone` are no more."""
        self._drop(gone)
        for job in jobs:
            # What two sources know may turn out to be about one job.
            ids = job.ids
            self._drop(ids)
            self._jobs |= dict.fromkeys(ids, job)
        self._show()

    def _drop(self, ids: Set[str]) -> None:
        for id_ in ids:
            if (job := self._jobs.get(id_)) is not None:
                self._texts.pop(id(job), None)
                self._values.pop(id(job), None)
                for other in job.ids:
                    del self._jobs[other]

    def filter_by(self, text: str) -> None:
        """Show what matches."""
        self.filter = TextFilter(text)
        self._show()

    def sort_by(self, value: SortValue, descending: bool) -> None:
        """Show them in that order; those that are alike, the newest first."""
        self._value, self._values, self._descending = value, {}, descending
        self._show()

    def find(self, job: Remembered) -> Remembered | None:
        """That job, as it is known now."""
        return next((self._jobs[id_] for id_ in job.ids if id_ in self._jobs), None)

    def index(self, job: Remembered) -> int | None:
        """Where it is among those that are shown."""
        return next((index for index, other in enumerate(self.shown) if not other.ids.isdisjoint(job.ids)), None)

    @property
    def hosts(self) -> set[str]:
        """The URIs of all hosts that have jobs."""
        return {job.uri for job in self._all}

    @property
    def _all(self) -> ValuesView[Remembered]:
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

    def _text(self, job: Remembered) -> str:
        known = self._texts.get(id(job))
        if known is None:
            words = remembered.line(job, self.host_name(job.uri)).casefold()
            known = self._texts[id(job)] = job, words
        return known[1]
