"""What is known of a domain's state beyond the hypervisor's list stays known until the state changes."""

from __future__ import annotations

from dataclasses import replace

from tui.session.rows import Row


def same_state(before: Row, row: Row) -> bool:
    """Whether the domain is in the same state as before, for the same reason, and was not in another one meanwhile."""
    was, now = before.domain, row.domain
    return (was.key, was.state, was.reason, before.since) == (now.key, now.state, now.reason, row.since)


def refined(before: Row | None, row: Row) -> Row:
    """`row`, made anew from the hypervisor's list, with what was learned of `before`, the row until now."""
    if before is None or not same_state(before, row):
        return row
    left = before.left_paused and row.maybe_left_paused
    return replace(row, io_errors=before.io_errors, left_paused=left)
