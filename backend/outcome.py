"""How a job ended, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.model import DomainKey, Operation


class Verdict(StrEnum):
    """How a job ended; only `UNPROVEN` needs no proof."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNPROVEN = "unproven"


class Evidence(StrEnum):
    """What a verdict rests on, best first."""

    RESULT = "result"
    """The return value of the call itself, from this user's own journal."""
    SHARED = "shared record"
    """The result according to the record in the domain's metadata, which anyone who may modify the domain can write."""
    LIFECYCLE = "lifecycle event"
    JOB_EVENT = "job event"
    FILE = "file"
    """The dump's own file, held open since it was written, whole or not."""
    DISK = "disk source"
    """What a disk reads and writes after its block job, according to its domain's live XML."""
    HYPERVISOR = "hypervisor"
    """QEMU's own word, before libvirt closed the file."""
    STATS = "job stats"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one job ended, and how that is known."""

    domain: DomainKey
    operation: Operation
    verdict: Verdict
    evidence: Evidence
    detail: str
    """One sentence."""
    error: str = ""
    """The hypervisor's own message, where it gave one."""
    path: str | None = None
    format: str | None = None
    time_elapsed: int = 0
    """ms."""
    left_paused: bool = False
    """Whether the job left its domain paused behind, for somebody to resume."""
    disk: str | None = None
    """The disk whose job it was; None: it was the domain's own job."""
    downtime: int | None = None
    """ms for which the guest of a completed migration out stood still at its end; None: not reported."""
    requester: str = ""
    """Who requested it, where that is known: ``root@hv3``, ``libvirt (guest panicked)``."""
    bytes: int | None = None
    """What it wrote, copied or sent: the size of a dump's file, or what the hypervisor reported last. None: unknown."""
