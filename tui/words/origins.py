"""Where a running job comes from, in words: what it writes, since when, and who requested it."""

from __future__ import annotations

from dataclasses import dataclass

from tui.words import units
from tui.words.cells import crop, shorten, width

SHORTEST = 24
"""Cells of a file or a host beside which there is room for the rest of the sentence."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of one job; what nobody knows is empty, and left out."""

    target: str = ""
    """The file that it writes, or the host at its other end."""
    sign: str = "→"
    """What stands before the target."""
    format: str = ""
    """That of a dump's file."""
    began: float | None = None
    """Seconds since the epoch."""
    exact: bool = True
    """Whether it began then; else it was first seen then."""
    by: str = ""
    """Who requested it, with how far that is to be believed: see `by_claim` and `by_client`."""


def by(requester: str) -> str:
    """Of somebody who is known to have requested the job."""
    return f"by {requester}" if requester else ""


def by_claim(requester: str) -> str:
    """Of somebody in whose name a shared record says so, which others could have written."""
    return f"by {requester} (claimed)"


def by_client(label: str) -> str:
    """Of a program whose command line says so."""
    return f"apparently by {label}"


def sentence(name: str, origin: Origin, now: float, cells: int) -> list[str]:
    """``elf dump → /dumps/web-01.core, started 16:40 by root@hv1``: one line of `cells`, or two of a narrow screen.

    `name`: what the job is called. The target is shortened in the middle.
    """
    head = " ".join(filter(None, (origin.format, name, origin.sign if origin.target else "")))
    tail = _since(origin, now)
    if not origin.target:
        return [crop(", ".join(filter(None, (head, tail))), cells)]
    room = cells - width(head) - 1
    beside = room - width(f", {tail}" if tail else "")
    if beside >= min(SHORTEST, width(origin.target)):
        return [f"{head} {shorten(origin.target, beside)}" + (f", {tail}" if tail else "")]
    return [crop(f"{head} {shorten(origin.target, room)}", cells), crop(tail, cells)]


def _since(origin: Origin, now: float) -> str:
    requested = origin.by.replace("by ", "requested by ", 1)
    if origin.began is None:
        return requested
    when = units.time_of_day(origin.began, now)
    if origin.exact:
        return f"started {when} {origin.by}".rstrip()
    return ", ".join(filter(None, (f"first seen {when}", requested)))
