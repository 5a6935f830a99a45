"""A remembered command, which was run as a job, in words."""

from __future__ import annotations

from collections.abc import Iterator

from backend.observing.remembered import CommandRun
from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry
from backend.records.record import RecordState
from backend.text import clean, hide_passwords
from tui.words import equivalents, outcomes, runs, units
from tui.words.description import Account, Description, subject
from tui.words.job_names import job_name

OPERATION = "run"


class CommandDescription(Description):
    """See Description."""

    def __init__(self, run: CommandRun) -> None:
        self._run = run
        self._record = run.record

    @property
    def name(self) -> str:
        return f"{OPERATION} {runs.name(self._record)}"

    @property
    def command(self) -> str:
        return runs.command_line(self._record)

    @property
    def reason(self) -> str:
        return "" if self._run.verdict in (None, Verdict.COMPLETED) else clean(self._record.result)

    @property
    def evidence(self) -> str:
        return "" if self._run.verdict is None else runs.evidence(self._record)

    @property
    def file(self) -> str:
        return clean(str(self._run.output))

    def account(self) -> Account:
        record = self._record
        if not record.over:
            return Account("It is running.")
        if record.exit_status is not None or record.signal is not None:
            how = "was" if record.signal is not None else "ended with"
            return Account(f"It {how} {record.result}.", source="the command's own exit status")
        if record.state is RecordState.LOST:
            detail = f"Nobody knows how it ended: {record.error}{runs.survivor(record)}."
            return Account(clean(detail), source=outcomes.EVIDENCE_WORDS[Evidence.NONE])
        return Account(clean(f"It could not be run: {record.error}."))

    def facts(self, host: str) -> Iterator[tuple[str, str]]:
        run, record = self._run, self._record
        yield "command", self.command
        yield "folder", clean(record.cwd)
        yield from subject(run, host)
        yield "requested by", clean(record.user)
        yield "began", units.moment(record.started)
        if run.seconds is not None and record.ended is not None:
            yield "ended", f"{units.moment(record.ended)}, after {units.duration(run.seconds)}"
        if record.command_pid and not record.over:
            yield "process", f"pid {record.command_pid}"
        for number, job in enumerate(record.jobs):
            yield "" if number else "jobs", _job(job)
        if record.trouble:
            yield "jobs", f"not followed: {clean(record.trouble)}"
        yield "output", self.file
        if run.last:
            yield "show it with", clean(equivalents.last_command(hide_passwords(record.uri), record.key).virt_jobs)


def _job(job: JobEntry) -> str:
    """One that it has caused, and how that ended."""
    name = job_name(job.operation, job.disk and clean(job.disk))
    if job.outcome is None:
        return f"{name}, running"
    took = f" in {units.duration(job.seconds)}" if job.seconds is not None else ""
    why = "" if job.outcome.verdict is Verdict.COMPLETED else f": {clean(outcomes.reason(job.outcome))}"
    return f"{name} {job.outcome.verdict} ({job.outcome.evidence}){took}{why}"
