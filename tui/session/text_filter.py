"""A filter that somebody types."""

from __future__ import annotations


class TextFilter:
    """Words: a text matches if it contains all of them; after a leading ``!``, if it does not."""

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self._inverted = self.text.startswith("!")
        self._words = self.text.removeprefix("!").casefold().split()

    def __bool__(self) -> bool:
        return bool(self._words)

    def matches_text(self, text: str) -> bool:
        """Whether the text, which is case-folded, matches; everything does without words."""
        return not self._words or all(word in text for word in self._words) != self._inverted
