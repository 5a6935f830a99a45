"""Delivers the events that any process writes into a simulator's file to the event streams of this process."""

from __future__ import annotations

from backend.event_stream import EventHub, EventStream
from backend.events import ConnectionEvent, DumpEvent
from backend.simulator.store import Store

INTERVAL = 0.05
"""Seconds between two checks of the file: SQLite cannot notify another process of a change."""


class Watch:
    """Reads the events that are written after it was made. Uses a connection of its own, in the event loop's thread."""

    def __init__(self, name: str, hub: EventHub, readonly: bool) -> None:
        self._store = Store(name)
        self._hub = hub
        self._readonly = readonly
        self._changes = -1
        self._seen = self._store.last_event()
        self._connected = True
        self.due: float | None = None
        """When the next stage of a job is due, in seconds since the epoch; None: no job is planned."""

    def close(self) -> None:
        self._store.close()

    def stream(self) -> EventStream:
        """A stream of the events from now on."""
        self.deliver()
        return self._hub.stream()

    def deliver(self) -> None:
        """Deliver the events since the last call. Costs next to nothing if the file has not changed."""
        changes = self._store.changes()
        if changes == self._changes:
            return
        self._changes = changes
        self.due = self._store.first_due()
        for seq, event in self._store.events_after(self._seen):
            self._seen = seq
            # Read-only connections get no events of QEMU's monitor, and a lost connection gets none at all.
            if self._connected and not (self._readonly and isinstance(event, DumpEvent)):
                self._hub.put(event)

    def connected(self, connected: bool) -> None:
        """Note whether there is a connection, and send an event if that has changed."""
        if connected is not self._connected:
            self._connected = connected
            self._hub.put(ConnectionEvent(connected, "" if connected else "the simulated connection was lost"))
