"""The columns of the console's domain table, as plain data: a config names them, and the chooser shows them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "name": "the domain, or the disk",
        "host": "where it is, if there are several hosts",
        "id": "its running id",
        "state": "its state, and why it is paused or crashed",
        "since": "when it got into that state, if that was seen",
        "memory": "how much memory it may have",
        "job": "what its job does",
        "progress": "how far its job is",
        "elapsed": "how long its job has been running",
        "done": "what its job has processed",
        "left": "what its job has yet to process",
        "rate": "how fast its job is",
        "eta": "when its job may be over",
    }
)
"""By id, each with what it shows."""
FIRST = "name"
"""It is always shown, as the first one."""
DEFAULT_COLUMNS = ("name", "host", "state", "job", "progress", "elapsed", "done", "left", "rate", "eta")


def usable(ids: list[str]) -> tuple[str, ...]:
    """Those of `ids` that are columns, each once, after the first one; the defaults where none is."""
    chosen = dict.fromkeys(id for id in ids if id in COLUMNS and id != FIRST)  # noqa: A001 - as Textual says
    return (FIRST, *chosen) if chosen or FIRST in ids else DEFAULT_COLUMNS
