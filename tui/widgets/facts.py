"""Labelled facts, one below the other; values that are too long for a line go on below themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.content import Content

LABEL = 14
"""Cells of a label where not said otherwise."""


def labelled(facts: Iterable[tuple[str, str]], cells: int, label: int = LABEL) -> Iterator[Content]:
    """The lines of labels, which take `label` cells, and values, in so many cells together."""
    for word, value in facts:
        first, *rest = Content(value).wrap(max(1, cells - label)) or [Content("")]
        yield Content.assemble((f"{word:<{label}}", "$foreground-muted"), first)
        for line in rest:
            yield Content.assemble(" " * label, line)
