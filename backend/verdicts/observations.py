"""What a waiter observes of a job: the input of the rules of verdicts."""

from __future__ import annotations

from dataclasses import dataclass

from backend.dump_request import AutomaticDump
from backend.errors import BackendError
from backend.events import Event
from backend.files.dumpfile import DumpFile
from backend.job_stats import JobStats
from backend.model import DiskSource, Domain
from backend.records.record import JobRecord


@dataclass(frozen=True, slots=True)
class Sampled:
    """What `job` returned for a question sent at `sent` (the caller's monotonic clock, seconds)."""

    stats: JobStats | None
    sent: float


@dataclass(frozen=True, slots=True)
class SampleFailed:
    """`job` raised."""

    error: BackendError


@dataclass(frozen=True, slots=True)
class RecordSeen:
    """The record, read again, and whether its runner lives (None: this host cannot tell)."""

    record: JobRecord
    runner_alive: bool | None
    shared: bool = False
    """Whether it was read from where others can write, not from this user's own journal."""


@dataclass(frozen=True, slots=True)
class StateSeen:
    """The domain, listed again after its daemon was away."""

    domain: Domain


@dataclass(frozen=True, slots=True)
class RequesterSeen:
    """The hypervisor itself has begun the dump."""

    dump: AutomaticDump


@dataclass(frozen=True, slots=True)
class FileHeld:
    """The file of the domain's dump is held open; a FileChecked follows once the job is over."""

    since: float
    """A time at which the domain was being dumped to it (the caller's monotonic clock, seconds)."""
    seen: tuple[float, float] | None = None
    """The first and the last known time at which it was being dumped to it; None: only the one above is known."""
    over: bool = False
    """Whether that was over when it was found."""
    reported: float | None = None
    """When the end of a job of that domain was reported, if just one was since the first of the times above."""


@dataclass(frozen=True, slots=True)
class FileChecked:
    """The file that is held."""

    content: DumpFile
    linked: bool
    """Whether it still has a name."""
    untouched: float
    """Seconds since it was last written to."""
    asked: float
    """When it was looked at, at the earliest (the caller's monotonic clock)."""
    age: float | None
    """Seconds since it was created, by then; None: not known."""


@dataclass(frozen=True, slots=True)
class FileUnreadable:
    """The file that is held could not be read."""

    reason: str


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """What a disk reads and writes, looked up once its job was known to be over; None: that is not known."""

    source: DiskSource | None


Observation = (
    Sampled
    | SampleFailed
    | RecordSeen
    | StateSeen
    | RequesterSeen
    | FileHeld
    | FileChecked
    | FileUnreadable
    | DiskSeen
    | Event
)
