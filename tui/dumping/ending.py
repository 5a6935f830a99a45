"""What becomes of guests that are ended or reset after their dumps, and the question before that. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.dump_request import DumpFlags
from tui.commands.offering import OfferingScreen
from tui.dumping.choice import DumpChoice, ending

_LOSS = {
    DumpFlags.CRASH: "as if its power were cut: what it has not written to its disks is lost. It stays off until "
    "someone starts it; a transient domain is gone",
    DumpFlags.RESET: "as by its reset button: everything in its memory is lost, and it boots anew",
}
"""What it means for a guest."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a user is asked who is about to lose something."""

    text: str
    yes: str
    """What happens if the answer is yes."""


Ask = Callable[[OfferingScreen[Any], str, Question, Callable[[], object]], None]
"""Asks a question above a screen, under a title, and does something if the answer is yes."""


def question(choices: Sequence[DumpChoice]) -> Question | None:
    """What to ask before these dumps, which have the same flags; None if every guest goes on afterwards."""
    flags = choices[0].flags if choices else DumpFlags.NONE
    words = ending(flags)
    if not words:
        return None
    loss = next(text for flag, text in _LOSS.items() if flag in flags)
    names = ", ".join(choice.domain.name for choice in choices)
    if len(choices) == 1:
        lines = [f"{names} is {words} once its dump is written.", f"That is {loss}."]
        yes = f"Dump, then {_verb(flags)} it"
    else:
        lines = [
            f"{len(choices)} guests are {words}, each once its dump is written: {names}.",
            f"For each, that is {loss}.",
        ]
        yes = f"Dump, then {_verb(flags)} {len(choices)} guests"
    return Question("\n".join([*lines, "A guest whose dump fails goes on."]), yes)


def _verb(flags: DumpFlags) -> str:
    return "end" if DumpFlags.CRASH in flags else "reset"
