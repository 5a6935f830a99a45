"""What is remembered: a job, a command that was run as one, or a dump that waits for its turn in a console.

Each of them tells the same of itself: what it is about, who requested it and when, how long it took, and how it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.model import DomainKey, JobOperation
from backend.outcome import Verdict
from backend.records import command
from backend.records.command import CommandRecord
from backend.records.queued_dump import QueuedDump
from backend.verdicts.job_sources import SourcedJob

RUNNING, QUEUED, NOT_STARTED = "running", "queued", "not started"


class _Recorded:
    """What this user alone remembers, by a record with an id of its own."""

    __slots__ = ()

    record: CommandRecord | QueuedDump

    @property
    def ids(self) -> frozenset[str]:
        return frozenset((self.record.id,))

    @property
    def uri(self) -> str:
        return self.record.uri

    @property
    def key(self) -> DomainKey:
        return self.record.key

    @property
    def domain(self) -> str:
        return self.record.domain

    @property
    def host(self) -> str:
        return self.record.host

    @property
    def requester(self) -> str:
        return self.record.user


@dataclass(frozen=True, slots=True)
class CommandRun(_Recorded):
    """A command that was run as a job."""

    record: CommandRecord
    """Settled: where its runner is gone, it says of nothing that it is running."""
    output: Path
    """The folder with what is kept of its output."""
    last: bool
    """Whether it is the one that ``virt-jobs run DOMAIN --last`` is about."""

    @property
    def operation(self) -> None:
        """None: it is no operation of a hypervisor."""
        return None

    @property
    def requested(self) -> float:
        return self.record.started

    @property
    def ended(self) -> float | None:
        return self.record.ended

    @property
    def seconds(self) -> float | None:
        """None as well where its result was lost: nobody knows when it ended."""
        return None if self.verdict is Verdict.UNPROVEN else self.record.seconds

    @property
    def verdict(self) -> Verdict | None:
        return command.verdict(self.record.state)

    @property
    def failed(self) -> bool:
        return self.verdict in (Verdict.FAILED, Verdict.UNPROVEN)

    @property
    def word(self) -> str:
        """How it ended in a word: ``completed``, ``failed``, ``lost``, or ``running``."""
        return str(self.record.state) if self.record.over else RUNNING


@dataclass(frozen=True, slots=True)
class WaitingDump(_Recorded):
    """A dump in the queue of a console. Once it has begun, it is a job of the same id."""

    record: QueuedDump
    left: bool
    """Whether its console is gone."""

    @property
    def operation(self) -> JobOperation:
        return JobOperation.DUMP

    @property
    def requested(self) -> float:
        return self.record.queued

    @property
    def ended(self) -> None:
        return None

    @property
    def seconds(self) -> None:
        return None

    @property
    def verdict(self) -> None:
        """None: there is nothing yet that could have ended."""
        return None

    @property
    def failed(self) -> bool:
        return self.left

    @property
    def word(self) -> str:
        """``queued``, or ``not started`` if its console is gone."""
        return NOT_STARTED if self.left else QUEUED


Remembered = SourcedJob | CommandRun | WaitingDump
