"""Marked domains and jobs that the filter hides, in words: nothing is done to them unnamed."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 12
"""Names that are listed."""


def warning(names: Sequence[str]) -> str:
    """Before something is done to these as well; empty if there are none."""
    if not names:
        return ""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"hidden by the filter: {', '.join(names[:MOST])}{more}"


def naming(question: str, names: Sequence[str]) -> str:
    """A question that is about these as well."""
    words = warning(names)
    return f"{question}\n{words[0].upper()}{words[1:]}." if words else question


def left_out(count: int) -> str:
    """After something was done to those that are shown."""
    return f"{count} marked but hidden by the filter, left out" if count else ""


def refusal(count: int, key: str) -> str:
    """Why nothing is done where that would be all."""
    return f"what is marked ({count}) is hidden by the filter: {key} shows it"
