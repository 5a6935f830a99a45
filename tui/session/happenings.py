"""The last thing that each domain of a host was reported to have done, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.events import ConnectionEvent, Event, Lifecycle, LifecycleEvent
from backend.model import Domain, DomainState

_STATES = {
    Lifecycle.STARTED: DomainState.RUNNING,
    Lifecycle.RESUMED: DomainState.RUNNING,
    Lifecycle.SUSPENDED: DomainState.PAUSED,
    Lifecycle.CRASHED: DomainState.CRASHED,
    Lifecycle.STOPPED: DomainState.SHUTOFF,
    Lifecycle.PMSUSPENDED: DomainState.PMSUSPENDED,
}
"""What a domain is after an event, until the next one."""


@dataclass(frozen=True, slots=True)
class Happening:
    event: Lifecycle
    detail: str
    """virsh's word, as in LifecycleEvent."""
    at: float
    """Seconds since the epoch. Of several equal events in a row, that of the first."""


class Happenings:
    """Takes the events of a host. `clock`: seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._last: dict[str, Happening] = {}

    def take(self, event: Event) -> None:
        match event:
            case LifecycleEvent(domain, kind, detail) if kind in _STATES:
                last = self._last.get(domain.uuid)
                at = last.at if last is not None and last.event is kind else self._clock()
                self._last[domain.uuid] = Happening(kind, detail, at)
            case ConnectionEvent():
                self._last.clear()  # What happens while there is no connection is not reported.

    def forget(self, uuid: str) -> None:
        """The domain is no more."""
        self._last.pop(uuid, None)

    def clear(self) -> None:
        """The host is not listened to any more."""
        self._last.clear()

    def since(self, domain: Domain) -> float | None:
        """When it got into its state (seconds since the epoch); None: that was not reported."""
        last = self._last.get(domain.key.uuid)
        return last.at if last is not None and _STATES[last.event] == domain.state else None

    def may_be_dumped(self, uuid: str, domain: Domain | None) -> bool:
        """Whether hypervisors dump domains of their own accord after what that one did.

        `domain`: as it is listed, if it is; its state may be older.
        """
        last = self._last.get(uuid)
        return (domain is not None and domain.may_be_dumped_by_hypervisor) or (
            last is not None and (last.event is Lifecycle.CRASHED or last.detail == "watchdog")
        )
