"""A remembered job in words."""

from __future__ import annotations

from collections.abc import Iterator

from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry
from backend.text import clean
from backend.verdicts.job_sources import Source, SourcedJob
from tui.words import outcomes, units
from tui.words.description import Account, Description, subject
from tui.words.job_names import job_name

_SOURCES = {
    Source.CALL: "your own call",
    Source.OBSERVATION: "your virt-jobs",
    Source.HOST: "the host's witness",
    Source.CLAIM: "the domain's metadata (a claim)",
}


class JobDescription(Description):
    """See Description."""

    def __init__(self, job: SourcedJob) -> None:
        self._job = job

    @property
    def name(self) -> str:
        entry = self._job.entry
        return job_name(entry.operation, entry.disk and clean(entry.disk))

    @property
    def reason(self) -> str:
        outcome = self._job.outcome_if_over
        if outcome is not None and outcome.verdict is Verdict.COMPLETED:
            return clean(outcome.detail) if outcome.evidence is Evidence.SHARED else ""
        return "" if outcome is None else clean(outcomes.reason(outcome))

    @property
    def evidence(self) -> str:
        outcome = self._job.outcome
        return "" if outcome is None else str(outcome.evidence)

    @property
    def path(self) -> str:
        return clean(self._job.entry.path or "")

    @property
    def format(self) -> str:
        return clean(self._job.entry.format or "")

    def account(self) -> Account:
        outcome = self._job.outcome
        if outcome is None:
            unwatched = f"{self.reason} It may be running, or be over."
            return Account(unwatched if self._job.unwatched else "It is running, as far as anyone here knows.")
        return Account(clean(outcome.detail), clean(outcome.error), outcomes.EVIDENCE_WORDS[outcome.evidence])

    def facts(self, host: str) -> Iterator[tuple[str, str]]:
        job, entry = self._job, self._job.entry
        yield from subject(job, host)
        at = f" at {units.moment(job.record.started)}" if job.record is not None else ""
        yield "requested by", f"{clean(job.requester)}{at}" if job.requester else "unknown"
        seen = "" if entry.exact else " (first seen; it may have begun before)"
        yield "began", units.moment(entry.began) + seen
        if entry.ended is not None:
            after = f", after {units.duration(job.seconds)}" if job.seconds is not None else ""
            yield "ended", units.moment(entry.ended) + after
        if entry.time_elapsed:
            yield "elapsed", f"{units.duration(entry.time_elapsed / 1000)}, according to the hypervisor"
        if entry.bytes is not None:
            yield "processed", f"{units.size(entry.bytes)} ({entry.bytes} bytes)"
        if entry.downtime is not None:
            yield "downtime", f"{entry.downtime} ms"
        if entry.left_paused:
            yield "guest", "left paused by the job"
        if entry.path:
            yield "file", self.path
        if entry.format:
            yield "format", self.format
        for source, part in job.parts:
            yield _SOURCES[source], _observation(part)


def _observation(entry: JobEntry) -> str:
    """What one source knows."""
    if entry.verdict is None:
        return f"no end known · {clean(entry.observer)}"
    return f"{entry.verdict} ({entry.evidence}) · {clean(entry.observer)}"
