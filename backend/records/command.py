"""The record of a command that was run as a job: what was run, for which domain, by whom, when, and its result."""

from __future__ import annotations

import shlex
import signal
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.model import DomainKey
from backend.outcome import Verdict
from backend.records import process
from backend.records.entry import JobEntry, end_not_seen
from backend.records.machine import boottime
from backend.records.record import RecordState, Requested

LOST = "the process that held its result is gone"
"""Why nobody knows how a command ended whose runner died."""


@dataclass(frozen=True, slots=True)
class CommandRecord(Requested):
    """One command as requested and, once `ended` is set, as it ended. Times, and what they are measured by, as in
    JobRecord."""

    id: str
    uri: str
    uuid: str
    domain: str
    domain_id: int | None
    argv: tuple[str, ...]
    """As the system has it: bytes that are no text are surrogates (os.fsdecode)."""
    cwd: str
    user: str
    """Who requested it: ``root@hv3``."""
    started: float
    pid: int = 0
    """The runner's process; before it runs, the requester's. See JobRecord for what tells it from others."""
    pid_start: str = ""
    machine: str = ""
    namespace: int = 0
    started_uptime: float | None = None
    ended_uptime: float | None = None
    state: RecordState = RecordState.STARTING
    """COMPLETED: it exited with 0; FAILED: with anything else, or by a signal, or it could not be run."""
    ended: float | None = None
    command_pid: int = 0
    """The command's own process, which leads its process group."""
    command_start: str = ""
    """When that process started, as `pid_start`."""
    exit_status: int | None = None
    signal: int | None = None
    """The signal that killed it."""
    error: str = ""
    """Why there is no exit status."""
    trouble: str = ""
    """Why the jobs that it causes are not followed."""
    jobs: tuple[JobEntry, ...] = ()
    """The jobs that began on its domain while it ran, oldest first. How one ended says nothing about the command."""
    following: bool = False
    """Whether its runner looks for such jobs, or follows one to its end; that may go on after the command's own."""

    @property
    def line(self) -> str:
        """The command line, quoted for a shell."""
        return shlex.join(self.argv)

    @property
    def result(self) -> str:
        """How it ended, in a few words: ``exit status 3``, ``killed by SIGKILL``; empty while that is open."""
        if self.signal is not None:
            return f"killed by {signal_name(self.signal)}"
        if self.exit_status is not None:
            return f"exit status {self.exit_status}"
        return self.error

    @property
    def open_jobs(self) -> tuple[JobEntry, ...]:
        """Those of its jobs that are not over."""
        return tuple(job for job in self.jobs if not job.over)


def signal_name(number: int) -> str:
    """``SIGKILL``; ``signal 99`` for one without a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def verdict(state: RecordState) -> Verdict | None:
    """What the state of a command's record says of the command, and of nothing else; None while it runs."""
    if state in (RecordState.STARTING, RecordState.RUNNING):
        return None
    return {RecordState.COMPLETED: Verdict.COMPLETED, RecordState.FAILED: Verdict.FAILED}.get(state, Verdict.UNPROVEN)


def new_command(domain: DomainKey, uri: str, argv: Sequence[str], cwd: str) -> CommandRecord:
    """The record of a command that this user runs on this host, now. Until its runner works, this process is asked."""
    return process.held_here(
        CommandRecord(
            id=uuid.uuid4().hex,
            uri=uri,
            uuid=domain.uuid,
            domain=domain.name,
            domain_id=domain.id,
            argv=tuple(argv),
            cwd=cwd,
            user=process.requester(),
            started=time.time(),
            started_uptime=boottime(),
        )
    )


def ended(record: CommandRecord, returncode: int) -> CommandRecord:
    """The record with the result as of now: an exit status, or the negative number of the signal that killed it."""
    state = RecordState.COMPLETED if returncode == 0 else RecordState.FAILED
    killed = returncode < 0
    return replace(
        _over(record, state),
        exit_status=None if killed else returncode,
        signal=-returncode if killed else None,
    )


def failed(record: CommandRecord, error: str) -> CommandRecord:
    """The record of a command that could not be run."""
    return replace(_over(record, RecordState.FAILED), error=error)


def lost(record: CommandRecord) -> CommandRecord:
    """The record of a command whose runner died: its result was lost with it."""
    return replace(_over(record, RecordState.LOST), error=LOST)


def settled(record: CommandRecord) -> CommandRecord:
    """The record as it is to be shown: if its runner is gone, nothing that it says to be running has a result."""
    if (record.over and not record.following) or process.runner_alive(record) is not False:
        return record
    return unfollowed(record if record.over else lost(record))


def unfollowed(record: CommandRecord) -> CommandRecord:
    """The record once nobody follows its jobs any more: nothing proves how those ended that are not over."""
    detail = "The process that followed it ended before it did."
    jobs = (job if job.over else end_not_seen(job, detail, time.time(), None) for job in record.jobs)
    return replace(record, following=False, jobs=tuple(jobs))


def still_runs(record: CommandRecord) -> bool:
    """Whether the command itself is alive, whatever became of its runner."""
    start = record.command_start
    return bool(record.command_pid and start) and process.process_start(record.command_pid) == start


def _over(record: CommandRecord, state: RecordState) -> CommandRecord:
    uptime = boottime() if process.is_here(record) else None
    return replace(record, state=state, ended=time.time(), ended_uptime=uptime)
