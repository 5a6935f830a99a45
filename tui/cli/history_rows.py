"""What is remembered, as rows of a table."""

from __future__ import annotations

from backend.observing.remembered import Remembered
from backend.text import clean
from tui.words import units
from tui.words.remembered import describe, took

HEADINGS = ("Began", "Domain", "Job", "Result", "Took", "By", "Details")
"""On a terminal."""
STEPS = (
    ("Details", 30),
    ("By", 0),
    ("Details", 14),
    ("Domain", 14),
    ("Host", 12),
    ("Job", 17),
    ("Host", 0),
    ("Took", 0),
    ("Domain", 8),
    ("Details", 0),
    ("Job", 6),
)
"""How these are made to fit, see Layout."""
SAMPLE = ("", "x" * 14, "block copy of vda", "completed", "00:00", "x" * 14, "x" * 40)
"""What a table has room for whose rows are not known yet."""
FULL_HEADINGS = ("Began", "Domain", "Job", "Format", "Result", "Took", "File", "Details", "By")
"""In a file or a pipe."""
_WIDE = 100
"""Columns of a terminal that has room for seconds."""


def row(item: Remembered, width: int) -> list[str]:
    """The cells of HEADINGS, for a terminal that is so wide."""
    about = describe(item)
    began = units.moment(item.requested)
    return [
        began if width >= _WIDE else began[5:16],
        clean(item.domain),
        about.name,
        item.word,
        took(item),
        clean(item.requester),
        about.details,
    ]


def full_row(item: Remembered) -> list[str]:
    """The cells of FULL_HEADINGS."""
    about = describe(item)
    return [
        units.moment(item.requested),
        clean(item.domain),
        about.name,
        about.format,
        item.word,
        took(item),
        about.path,
        about.remark,
        clean(item.requester),
    ]
