"""Since when a domain is in its state: as far as that was seen, and what else was learned of it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from backend.model import JobOperation
from tui.session.rows import Row

CATCHING_UP = 1.0
"""Seconds after a host's first list, or its first one after an outage, in which its changes are taken to be older."""


def same_state(row: Row, other: Row) -> bool:
    """Whether a domain that nothing was missed of is in the same state as before, for the same reason."""
    before, now = row.domain, other.domain
    return (before.key, before.state, before.reason) == (now.key, now.state, now.reason) and before.answering


class Pauses:
    """Hands on what is known of a row to the one that follows it."""

    def __init__(self, clock: Callable[[], float] = time.time, ticks: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds since the epoch, `ticks` those of a clock that nobody sets."""
        self._clock = clock
        self._ticks = ticks
        self._missed: dict[str, float] = {}

    def missed(self, uri: str) -> None:
        """The host was not watched until now: what its domains did meanwhile was not seen."""
        self._missed[uri] = self._ticks()

    def refined(self, before: Row | None, row: Row) -> Row:
        """`row`, of which nothing but the hypervisor's list is known, with what was learned of `before`."""
        catching_up = self._ticks() - self._missed.get(row.uri, float("-inf")) < CATCHING_UP
        if before is None or catching_up or not before.domain.answering:
            return row
        if not same_state(before, row):
            return replace(row, since=self._clock())
        dump = before.automatic_dump if row.operation == JobOperation.DUMP else None
        left = before.left_paused and row.maybe_left_paused
        return replace(row, since=before.since, io_errors=before.io_errors, automatic_dump=dump, left_paused=left)
