"""A simulated domain, as it is kept between jobs."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from backend.events import Lifecycle, LifecycleEvent
from backend.model import DomainKey, DomainState
from backend.text import clean

_NAMESPACE = uuid.UUID("6f9b3f6e-55c1-5e0c-8f43-0d2c0f1f7a11")
_SHUT_OFF_REASONS = {"failed": "crashed"}


@dataclass(frozen=True, slots=True)
class Machine:
    uuid: str
    name: str
    number: int
    """Its place in the list."""
    memory: int
    id: int | None = None
    state: DomainState = DomainState.SHUTOFF
    reason: str = ""
    lively: bool = False
    """Whether the simulator keeps jobs running on it."""
    record: str = ""
    """The shared record in its metadata; empty: none. Goes away when the domain stops."""
    last: str = ""
    """The stats that its last job left, as JSON; empty: none."""

    @property
    def key(self) -> DomainKey:
        return DomainKey(self.uuid, self.id, self.name)

    @property
    def running(self) -> bool:
        return self.state is DomainState.RUNNING

    def paused(self, reason: str) -> Machine:
        return replace(self, state=DomainState.PAUSED, reason=reason)

    def resumed(self, reason: str) -> Machine:
        return replace(self, state=DomainState.RUNNING, reason=reason)

    def stopped(self, detail: str) -> tuple[Machine, LifecycleEvent]:
        """The domain without its process, and what is told of that."""
        reason = _SHUT_OFF_REASONS.get(detail, detail)
        machine = replace(self, id=None, state=DomainState.SHUTOFF, reason=reason, record="", last="")
        return machine, LifecycleEvent(machine.key, Lifecycle.STOPPED, detail)


def new_machine(simulator: str, name: str, number: int, memory: int) -> Machine:
    """A domain that is shut off. Its uuid is that of its name on that simulator, and on no other."""
    name = clean(name)
    return Machine(str(uuid.uuid5(_NAMESPACE, f"{simulator}/{name}")), name, number, memory)
