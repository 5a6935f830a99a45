"""Output of commands."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

from tui.cli.choices import is_quiet

VERSION = 1
"""Of the objects that commands print: it changes where a key changes its meaning, not where one is added."""


def print_json(value: dict[str, Any]) -> None:
    """Print one object on one line, unbuffered and in ASCII, which any locale can show.

    It gets the version, and it and those in it the ISO times that belong to their epoch times, see `with_times`.
    """
    print(json.dumps({"v": VERSION} | with_times(value)), flush=True)


def with_times(value: dict[str, Any]) -> dict[str, Any]:
    """The object with ``start``, ``end`` and ``duration`` (ms) of what began and ended; so are those in it."""
    objects = {
        name: [with_times(it) if isinstance(it, dict) else it for it in part] if isinstance(part, list) else part
        for name, part in value.items()
    }
    if "ended" not in value or "end" in value:
        return objects
    start, end = value.get("started", value.get("began")), value["ended"]
    return objects | times_json(start, end, value.get("seconds"))


def times_json(start: float | None, end: float | None, seconds: float | None = None) -> dict[str, Any]:
    """When something began and ended (epoch), and how long it took: `seconds`, if a better clock than these tells."""
    if seconds is None and start is not None and end is not None:
        seconds = max(0.0, end - start)
    duration = round(seconds * 1000) if seconds is not None else None
    return {"start": iso(start), "end": iso(end), "duration": duration}


def iso(moment: float | None) -> str | None:
    """A time of the epoch in ISO 8601: ``2026-11-25T03:00:00.125Z``."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def note(message: str) -> None:
    """Print one line on stderr that is no error, unless -q was given."""
    if not is_quiet():
        complain(message)


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"virt-jobs: {message}", file=sys.stderr, flush=True)
