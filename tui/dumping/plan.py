"""The objections to several dumps at once, and their consequences. No widgets, no I/O."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.capabilities import Capabilities
from backend.model import DomainState
from backend.running import objections
from backend.running.place import Place
from tui.dumping import choice as dump_choice
from tui.dumping.choice import DumpChoice
from tui.words import units

NAMED = 3
"""Domains that are named one by one; more are counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """The dump of one of the domains, its destination, and what its host can do."""

    choice: DumpChoice
    place: Place
    capabilities: Capabilities

    @property
    def objection(self) -> str | None:
        """Why this one cannot be started as chosen."""
        return dump_choice.objection(self.choice, self.place, self.capabilities)


def objection(parts: Sequence[Part]) -> str | None:
    """Why none of them can be started, or why they cannot be together."""
    if same := _same_file(parts):
        return same
    reasons = [part.objection for part in parts]
    return next((reason for reason in reasons if reason), "nothing to dump") if all(reasons) else None


def notes(parts: Sequence[Part], refused: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What will happen, as sentences with ``ok``, ``warn`` or ``bad`` before them."""
    if same := _same_file(parts):
        yield "bad", same
    skipped = [*refused, *((part.choice.domain.name, why) for part in parts if (why := part.objection))]
    for name, why in skipped[:NAMED]:
        yield "bad", f"skipped: {why}" if why.startswith(name) else f"skipped {name}: {why}"
    if len(skipped) > NAMED:
        yield "bad", f"skipped {len(skipped) - NAMED} more"
    going = [part for part in parts if part.objection is None]
    running = sum(part.choice.domain.state is DomainState.RUNNING for part in going)
    if running:
        yield "warn", f"{running} of {len(going)} guests are paused, each for the whole of its dump"
    if going and going[0].choice.request.memory_only:
        yield "warn", "memory-only dumps cannot be aborted once they have started"
    elif going:
        yield "ok", "they can be aborted; crash cannot read the files"
    yield from _room(going)
    reasons = dict.fromkeys(part.place.caveat for part in going if part.place.caveat)
    yield from (("warn", reason) for reason in list(reasons)[:NAMED])
    if len(reasons) > NAMED:
        yield "warn", f"cannot look into {len(reasons) - NAMED} more folders"
    lost = sum(bool(part.place.exists) for part in going)
    if lost:
        yield "warn", f"{lost} files exist and will be replaced, even if the dumps fail"


def _room(parts: Sequence[Part]) -> Iterator[tuple[str, str]]:
    weights: Counter[str] = Counter()
    latest: dict[str, Part] = {}
    for part in parts:
        folder = os.path.dirname(part.choice.path)
        weights[folder] += part.choice.domain.memory
        latest[folder] = part
    for folder, weight in weights.items():
        space, written = latest[folder].place.free, f"writes up to {units.size(weight)} to {folder}"
        if space is None:
            yield "ok", f"{written}; {dump_choice.unknown_space(latest[folder].capabilities)}"
        else:
            level, only = ("bad", "only ") if space < weight else ("ok", "")
            yield level, f"{written}; {only}{units.size(space)} free"


def _same_file(parts: Sequence[Part]) -> str | None:
    objection = objections.to_shared_file((part.choice.uri, part.choice.path) for part in parts)
    return f"{objection}: put {{domain}} into the file's name" if objection is not None else None
