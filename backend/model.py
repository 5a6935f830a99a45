"""What a hypervisor has: domains, their disks, and what identifies a job.

The numbers are libvirt's own (libvirt-domain.h). A number from a newer libvirt is kept and shown,
never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self


class OpenEnum(IntEnum):
    """An enum of libvirt's that keeps numbers it has no name for.

    Members without a name are made on the fly: two of the same number are equal, but not the same object. Equal numbers
    of different enums mean different things, and are not equal.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNNAMED_{value}"
        member._value_ = value
        return member

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OpenEnum) and type(other) is not type(self):
            return False
        return int.__eq__(self, other) is True

    __hash__ = IntEnum.__hash__

    # Some versions of Python copy and pickle a member by its name, which these lack.

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[int]]:
        return type(self), (int(self),)

    @property
    def known(self) -> bool:
        """Whether this version of virt-jobs has a name for the number."""
        return self.name in type(self).__members__


class JobOperation(OpenEnum):
    """virDomainJobOperation: what a job does."""

    UNKNOWN = 0
    START = 1
    SAVE = 2
    RESTORE = 3
    MIGRATION_IN = 4
    MIGRATION_OUT = 5
    SNAPSHOT = 6
    SNAPSHOT_REVERT = 7
    DUMP = 8
    BACKUP = 9
    SNAPSHOT_DELETE = 10

    @property
    def label(self) -> str:
        """The operation in words: ``migration out``, ``dump``, ``operation 11``."""
        return self.name.lower().replace("_", " ") if self.known else f"operation {int(self)}"


class BlockOperation(OpenEnum):
    """virDomainBlockJobType: what the job of a single disk does."""

    UNKNOWN = 0
    PULL = 1
    COPY = 2
    COMMIT = 3
    ACTIVE_COMMIT = 4
    BACKUP = 5

    @property
    def label(self) -> str:
        """The operation in virsh's words: ``block copy``, ``active block commit``, ``block job 6``."""
        if self == BlockOperation.ACTIVE_COMMIT:
            return "active block commit"
        return f"block {self.name.lower()}" if self.known else f"block job {int(self)}"

    @property
    def becomes_ready(self) -> bool:
        """Whether it goes on as a mirror once everything is copied, until someone pivots to it or aborts it."""
        return self in (BlockOperation.COPY, BlockOperation.ACTIVE_COMMIT)


Operation = JobOperation | BlockOperation
"""What a job does: the job of a domain, or that of one of its disks."""


class DomainState(OpenEnum):
    """virDomainState, with virsh's words as labels."""

    NOSTATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTDOWN = 4
    SHUTOFF = 5
    CRASHED = 6
    PMSUSPENDED = 7

    @property
    def label(self) -> str:
        words = {"NOSTATE": "no state", "BLOCKED": "idle", "SHUTDOWN": "in shutdown", "SHUTOFF": "shut off"}
        return words.get(self.name, self.name.lower()) if self.known else f"state {int(self)}"


JOB_PAUSES: Mapping[str, str] = {
    "dumping": "dump",
    "saving": "save",
    "migrating": "migration",
    "creating snapshot": "snapshot",
    "post-copy": "migration",
}
"""virsh's reasons of a pause that lasts as long as a job -> that job in a word."""
_FAULTS = frozenset({"I/O error", "watchdog", "crashed", "post-copy failed", "API error"})
"""Reasons of a pause that nobody asked for."""


@dataclass(frozen=True, slots=True)
class DomainKey:
    """The identity of one run of a domain: a domain started anew under its name has another id."""

    uuid: str
    id: int | None
    """The running id; None while the domain is not running."""
    name: str = field(compare=False)
    """For people only; no part of the identity."""


@dataclass(frozen=True, slots=True)
class DiskKey:
    """A disk of one run of a domain, and thereby its block job: a disk has at most one at a time."""

    domain: DomainKey
    disk: str
    """The target's name, as in the domain's XML: ``vda``."""


JobKey = DomainKey | DiskKey
"""What identifies a job: its domain, or for a block job its disk."""


def domain_of(key: JobKey) -> DomainKey:
    """The domain that the job is one of."""
    return key.domain if isinstance(key, DiskKey) else key


@dataclass(frozen=True, slots=True)
class DiskSource:
    """What a disk of a running domain reads and writes, according to its live XML."""

    source: str
    """A path, or a name with its protocol."""
    backing: tuple[str, ...] = ()
    """The chain below it, top first."""
    mirror: str | None = None
    """Where a block copy copies to, or an active commit commits to; None without one of these."""
    mirror_ready: bool = False
    index: int | None = None
    """The number of the source, which no other one that the disk ever had or mirrored to shares; None: not told."""
    mirror_index: int | None = None
    """That of the mirror, which keeps it when the disk pivots to it."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as it was when it was listed."""

    key: DomainKey
    state: DomainState
    reason: str = ""
    """virsh's word for why it is in that state (``dumping``, ``user``); empty if there is none."""
    memory: int = 0
    """Bytes of memory that the domain may have; what a full dump of it weighs."""
    answering: bool = True
    """False while the hypervisor does not answer for this domain."""
    name: str = field(init=False)
    """That of the key, where it is no part of the identity: a domain that was renamed has changed, and is the same."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.key.name)

    @property
    def active(self) -> bool:
        """Whether it has a process that a job could run on."""
        return self.key.id is not None

    def is_in_same_state(self, other: Domain) -> bool:
        """Whether both are in one state, for the same reason."""
        return (self.state, self.reason) == (other.state, other.reason)

    @property
    def paused_by(self) -> str:
        """The job that paused it, in a word (``dump``, ``save``), whether or not it still runs; empty: none did."""
        return JOB_PAUSES.get(self.reason, "") if self.state is DomainState.PAUSED else ""

    @property
    def faulty(self) -> bool:
        """Whether it crashed, or is held by a fault that somebody has to see to."""
        if self.state in (DomainState.CRASHED, DomainState.SHUTOFF):
            return self.state is DomainState.CRASHED or self.reason == "crashed"
        return self.reason == "post-copy failed" or (self.state is DomainState.PAUSED and self.reason in _FAULTS)

    @property
    def may_be_dumped_by_hypervisor(self) -> bool:
        """Whether it is in a state in which hypervisors dump domains of their own accord."""
        return self.state is DomainState.CRASHED or (self.state is DomainState.PAUSED and self.reason == "watchdog")


@dataclass(frozen=True, slots=True)
class MigrationLimits:
    """What a migration out has to keep to; None: the hypervisor does not tell."""

    max_downtime: int | None = None
    """ms that the guest may stand still at the end."""
    bandwidth: int | None = None
    """Bytes per second that it may send; 0: as many as it can."""
