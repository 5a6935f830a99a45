"""Since when a domain is in its state: as far as that was seen, and what else was learned of it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from backend.model import JobOperation
from tui.session.rows import Row

OUTAGE_ECHO = 1.0
"""Seconds after an outage in which the changes come that it kept from being seen."""


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
        """There was an outage of that host until now."""
        self._missed[uri] = self._ticks()

    def catch_up(self, uri: str) -> bool:
        """Whether the host's next changes may be older than the end of an outage."""
        return self._ticks() - self._missed.pop(uri, float("-inf")) < OUTAGE_ECHO

    def refined(self, before: Row | None, row: Row, seen: bool) -> Row:
        """`row`, of which nothing but the hypervisor's list is known, with what was learned of `before`.

        `seen`: whether any change between the two has happened just now.
        """
        if before is None or not seen or not before.domain.answering:
            return row
        if not same_state(before, row):
            return replace(row, since=self._clock())
        dump = before.automatic_dump if row.operation == JobOperation.DUMP else None
        left = before.left_paused and row.maybe_left_paused
        return replace(row, since=before.since, io_errors=before.io_errors, automatic_dump=dump, left_paused=left)
