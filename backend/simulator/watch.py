"""What any process does to a simulator, told to the streams of this one."""

from __future__ import annotations

from backend.event_stream import EventHub, EventStream
from backend.events import ConnectionEvent, DumpEvent
from backend.simulator.store import Store

INTERVAL = 0.05
"""Seconds between two looks at the file: SQLite cannot tell another process that it has changed."""


class Watch:
    """Reads on from where it began, over a connection of its own; belongs to the event loop's thread."""

    def __init__(self, name: str, hub: EventHub, readonly: bool) -> None:
        self._store = Store(name)
        self._hub = hub
        self._readonly = readonly
        self._changes = -1
        self._seen = self._store.last_event()
        self._connected = True
        self.due: float | None = None
        """When something comes to pass that nobody does; None: nothing is under way."""

    def close(self) -> None:
        self._store.close()

    def stream(self) -> EventStream:
        """A stream of what is told from now on."""
        self.deliver()
        return self._hub.stream()

    def deliver(self) -> None:
        """Pass on what was told since the last time. Costs nearly nothing while nothing changes."""
        changes = self._store.changes()
        if changes == self._changes:
            return
        self._changes = changes
        self.due = self._store.first_due()
        for seq, event in self._store.events_after(self._seen):
            self._seen = seq
            # QEMU's monitor is not for read-only connections, and a lost one hears nothing.
            if self._connected and not (self._readonly and isinstance(event, DumpEvent)):
                self._hub.put(event)

    def connected(self, connected: bool) -> None:
        """Say so if the connection was lost, or is back."""
        if connected is not self._connected:
            self._connected = connected
            self._hub.put(ConnectionEvent(connected, "" if connected else "the simulated connection was lost"))
