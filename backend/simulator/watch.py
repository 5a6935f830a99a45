"""What one event loop sees of a simulator's file: its changes, its events, and what was read since the last change."""

from __future__ import annotations

from collections.abc import Callable

from backend.event_stream import EventHub, EventStream
from backend.events import ConnectionEvent, DumpEvent, JobBegan
from backend.simulator.snapshot import Snapshot
from backend.simulator.store import Store


class Watch:
    """Sees what is written after it was made. Uses a connection of its own, in the event loop's thread.

    `clock` gives seconds since the epoch. All methods raise NoConnection if the file is unusable.
    """

    def __init__(self, name: str, hub: EventHub, readonly: bool, outages: bool, clock: Callable[[], float]) -> None:
        """`outages`: this connection is lost during the simulator's outages."""
        self._store = Store(name)
        self._hub = hub
        self._readonly = readonly
        self._outages = outages
        self._clock = clock
        self._version = -1
        self._snapshot = Snapshot()
        self._outage: tuple[float, float] | None = None
        self._seen = self._store.last_event()
        self._connected = True
        self._due: float | None = None

    def close(self) -> None:
        self._store.close()

    @property
    def until_due(self) -> float:
        """Seconds until the next stage of a job is due, by what was last seen of the file; infinite without a job."""
        return float("inf") if self._due is None else self._due - self._clock()

    @property
    def connected(self) -> bool:
        """Whether no outage is simulated now."""
        if self._outages:
            self.deliver()
        return not self._lost

    def snapshot(self, now: float) -> Snapshot:
        """What is known of the file as it is `now`: nothing if it has changed, or if a stage is due."""
        self.deliver()
        return self._snapshot if self._due is None or now < self._due else Snapshot()

    def stream(self) -> EventStream:
        """A stream of the events from now on."""
        self.deliver()
        return self._hub.stream()

    def deliver(self) -> None:
        """Deliver the events since the last call. Costs next to nothing if the file has not changed."""
        version = self._store.version()
        changed = version != self._version
        if changed:
            self._version = version
            self._snapshot = Snapshot()
            self._due = self._store.first_due()
            self._outage = self._store.outage() if self._outages else None
        if self._outages:
            self._note_connection()
        if changed:
            for seq, event in self._store.events_after(self._seen):
                self._seen = seq
                # Read-only connections get no events of QEMU's monitor, and a lost connection gets none at all.
                if self._connected and not (self._readonly and isinstance(event, (DumpEvent, JobBegan))):
                    self._hub.put(event)

    @property
    def _lost(self) -> bool:
        return self._outage is not None and self._outage[0] <= self._clock() < self._outage[1]

    def _note_connection(self) -> None:
        if self._connected is self._lost:
            self._connected = not self._lost
            self._hub.put(
                ConnectionEvent(self._connected, "" if self._connected else "the simulated connection was lost")
            )
