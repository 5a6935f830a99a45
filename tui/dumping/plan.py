"""The objections to several dumps at once, and their consequences. No widgets, no I/O."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from backend.capabilities import Capabilities
from backend.model import DomainState
from backend.running import objections
from backend.running.place import Place
from tui.dumping import choice as dump_choice
from tui.dumping.choice import DumpChoice, Note
from tui.words import units

ORDER = ("bad", "warn", "ok")
"""What is said first."""
NAMED = 3
"""Domains that are named one by one; more are counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """The dump of one of the domains, its destination, and what its host can do."""

    choice: DumpChoice
    place: Place | None
    """None while it is looked at."""
    capabilities: Capabilities

    @property
    def objection(self) -> str | None:
        """Why this one cannot be started as chosen."""
        return dump_choice.objection(self.choice, self.place or Place(), self.capabilities)


def objection(parts: Sequence[Part]) -> str | None:
    """Why none of them can be started, or why they cannot be together."""
    if same := _same_file(parts):
        return same
    reasons = [part.objection for part in parts]
    return next((reason for reason in reasons if reason), "nothing to dump") if all(reasons) else None


def notes(parts: Sequence[Part], refused: Sequence[tuple[str, str]]) -> list[Note]:
    """What is refused, what to beware of, and what will happen, in this order."""
    return sorted(_notes(parts, refused), key=lambda note: ORDER.index(note[0]))


def _notes(parts: Sequence[Part], refused: Sequence[tuple[str, str]]) -> Iterator[Note]:
    if same := _same_file(parts):
        yield "bad", same
    going = [part for part in parts if part.objection is None]
    skipped = [*refused, *((part.choice.domain.name, why) for part in parts if (why := part.objection))]
    # What is left out refuses the start only if nothing else is left.
    mark: Literal["bad", "warn"] = "warn" if going else "bad"
    for name, why in skipped[:NAMED]:
        yield mark, f"skipped: {why}" if why.startswith(name) else f"skipped {name}: {why}"
    if len(skipped) > NAMED:
        yield mark, f"skipped {len(skipped) - NAMED} more"
    yield from _pauses(going)
    if going and going[0].choice.request.memory_only:
        yield "warn", "memory-only dumps cannot be aborted once they have started"
    elif going:
        yield "ok", "they can be aborted; crash cannot read the files"
    yield from _room(going)
    reasons = dict.fromkeys(part.place.caveat for part in going if part.place is not None and part.place.caveat)
    yield from (("warn", reason) for reason in list(reasons)[:NAMED])
    if len(reasons) > NAMED:
        yield "warn", f"cannot look into {len(reasons) - NAMED} more folders"
    lost = sum(part.place is not None and bool(part.place.exists) for part in going)
    if lost:
        yield "warn", f"{lost} files exist and will be replaced, even if the dumps fail"
    unseen = sum(not part.capabilities.local for part in going)
    if unseen:
        yield "warn", f"{unseen} on remote hosts: existing files will be replaced, and their folders cannot be checked"


def _pauses(parts: Sequence[Part]) -> Iterator[Note]:
    running = sum(part.choice.domain.state is DomainState.RUNNING for part in parts)
    if running:
        yield "warn", f"{running} of {len(parts)} guests are paused, each for the whole of its dump"
    if parts and (words := dump_choice.ending(parts[0].choice.flags)):
        yield "warn", f"{len(parts)} guests are {words}, each after its dump"


def _room(parts: Sequence[Part]) -> Iterator[Note]:
    """Whether there is room on each of the file systems, for all that is written there together."""
    shares: dict[object, list[Part]] = {}
    for part in parts:
        folder = os.path.dirname(part.choice.path)
        known = part.place.filesystem if part.place is not None else None
        shares.setdefault((part.choice.uri, folder) if known is None else known, []).append(part)
    for share in shares.values():
        weight = sum(part.choice.domain.memory for part in share)
        folders = list(dict.fromkeys(os.path.dirname(part.choice.path) for part in share))
        more = f" and {len(folders) - NAMED} more folders" if len(folders) > NAMED else ""
        written = f"writes up to {units.size(weight)} to {', '.join(folders[:NAMED])}{more}"
        place, freed = share[-1].place, 0
        if place is None:
            yield "ok", f"{written}; looking at it …"
            continue
        if share[-1].choice.overwrite:
            freed = sum(part.place.occupied for part in share if part.place is not None)
        free = place.free + freed if place.free is not None else None
        yield dump_choice.room(written, weight, free, dump_choice.unknown_space(share[-1].capabilities))


def _same_file(parts: Sequence[Part]) -> str | None:
    objection = objections.to_shared_file((part.choice.uri, part.choice.path) for part in parts)
    return f"{objection}: put {{domain}} into the file's name" if objection is not None else None
