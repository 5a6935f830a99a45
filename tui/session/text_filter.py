"""A filter that somebody types.

``db paused``: both words. ``db|web``: either, in one place of several words; ``db | web paused``: either of these.
``!shut``: without that word. ``! db paused``: whatever does not match the rest. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

GRAMMAR = "a b: both, a|b: either, !a: not"
"""In a few words, for the line that it is typed into."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    excluded: bool


_Choice = tuple[_Word, ...]
"""Words of which one is enough."""


class TextFilter:
    """What is incomplete, as it is while somebody types, counts only when it is complete: ``!``, ``db|``."""

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        inversion = re.match(r"!\s+", self.text)
        rest = self.text[inversion.end() if inversion else 0 :]
        self._inverted = inversion is not None
        self._alternatives = [
            choices for part in re.split(r"\s+\|\s*|\|\s+", rest.casefold()) if (choices := list(_choices(part)))
        ]

    def __bool__(self) -> bool:
        return bool(self._alternatives)

    def matches_text(self, text: str) -> bool:
        """Whether the text, which is case-folded, matches; everything does without words."""
        if not self._alternatives:
            return True
        # Plain loops: 10,000 rows are looked at with every letter.
        for choices in self._alternatives:
            for choice in choices:
                for word in choice:
                    if (word.text in text) is not word.excluded:
                        break
                else:
                    break  # None of the choice matches.
            else:
                return not self._inverted  # Every choice of the alternative does.
        return self._inverted


def _choices(part: str) -> Iterator[_Choice]:
    for written in part.split():
        words = [_Word(text.removeprefix("!"), text.startswith("!")) for text in written.split("|")]
        if complete := tuple(word for word in words if word.text):
            yield complete
