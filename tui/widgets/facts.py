"""Labelled facts, one below the other; values that are too long for a line go on below themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.content import Content

LABEL = 14
"""Cells of a label."""


def labelled(facts: Iterable[tuple[str, str]], cells: int) -> Iterator[Content]:
    """The lines of labels and values, in so many cells."""
    for label, value in facts:
        first, *rest = Content(value).wrap(max(1, cells - LABEL)) or [Content("")]
        yield Content.assemble((f"{label:<{LABEL}}", "$foreground-muted"), first)
        for line in rest:
            yield Content.assemble(" " * LABEL, line)
