"""A simulated domain as the store keeps it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from backend.events import Lifecycle, LifecycleEvent
from backend.model import DomainKey, DomainState
from backend.simulator import disks
from backend.text import clean

_NAMESPACE = uuid.UUID("6f9b3f6e-55c1-5e0c-8f43-0d2c0f1f7a11")
_SHUT_OFF_REASONS = {"failed": "crashed"}


@dataclass(frozen=True, slots=True)
class Machine:
    """A domain's permanent state; what its job does to it follows from the plan."""

    uuid: str
    name: str
    number: int
    """Its place in the list of domains."""
    memory: int
    """Bytes."""
    id: int | None = None
    """The id of its run; None: shut off."""
    state: DomainState = DomainState.SHUTOFF
    reason: str = ""
    """virsh's word for why it is in that state."""
    lively: bool = False
    """Whether the simulator starts one job after the other on it."""
    record: str = ""
    """The shared record in its metadata, as XML; empty: none. It is lost when the domain stops."""
    last: str = ""
    """The completed statistics of its last job, as JSON; empty: none."""
    disks: str = ""
    """Its disks, as JSON (`disks.from_json`)."""

    @property
    def key(self) -> DomainKey:
        return DomainKey(self.uuid, self.id, self.name)

    @property
    def active(self) -> bool:
        """Whether it runs or is paused, that is, not shut off."""
        return self.id is not None

    @property
    def running(self) -> bool:
        return self.state is DomainState.RUNNING

    def paused(self, reason: str) -> Machine:
        return replace(self, state=DomainState.PAUSED, reason=reason)

    def resumed(self, reason: str) -> Machine:
        return replace(self, state=DomainState.RUNNING, reason=reason)

    def with_new_disks(self, size: int | None = None) -> Machine:
        """The domain with the disks of a new one; `size` is that of its system disk in bytes, None: the usual one."""
        return replace(self, disks=disks.to_json(disks.usual_disks(self.name, self.number, size)))

    def stopped(self, detail: str) -> tuple[Machine, LifecycleEvent]:
        """The domain after its process has ended, and the event of that."""
        reason = _SHUT_OFF_REASONS.get(detail, detail)
        machine = replace(self, id=None, state=DomainState.SHUTOFF, reason=reason, record="", last="")
        return machine, LifecycleEvent(machine.key, Lifecycle.STOPPED, detail)


def new_machine(simulator: str, name: str, number: int, memory: int) -> Machine:
    """A domain of `memory` bytes that is shut off. Its UUID follows from the names of the simulator and the domain."""
    name = clean(name)
    identity = str(uuid.uuid5(_NAMESPACE, f"{simulator}/{name}"))
    return Machine(identity, name, number, memory).with_new_disks()
