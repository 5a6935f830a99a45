"""Text in terminal cells: some characters take two, some none."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def width(text: str) -> int:
    """How many cells `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def crop(text: str, cells: int) -> str:
    """`text` in at most `cells` cells, with an ellipsis where it was cut."""
    if width(text) <= cells:
        return text
    return "" if cells <= 0 else set_cell_size(text, cells - 1).rstrip(" ") + "…"


def shorten(text: str, cells: int) -> str:
    """`text` in at most `cells` cells, without its middle: it is their ends that tell names apart."""
    return _without_middle(text, cells, (cells - 1) // 2)


def crop_path(path: str, cells: int) -> str:
    """The same for a path, whose end says more than its begin."""
    return _without_middle(path, cells, (cells - 1) // 3)


def _without_middle(text: str, cells: int, head: int) -> str:
    if width(text) <= cells:
        return text
    if cells <= 1:
        return crop(text, cells)
    begin = set_cell_size(text, head).rstrip(" ") + "…"
    room = cells - width(begin)
    end = text[len(text) - min(len(text), room) :]
    while width(end) > room:
        end = end[1:]
    return begin + end


def fit(text: str, cells: int, right: bool = False) -> str:
    """`text` in exactly `cells` cells."""
    if text.isascii() and len(text) <= cells:  # Nearly all are, and this is done for every cell of the table.
        return text.rjust(cells) if right else text.ljust(cells)
    text = crop(text, cells)
    space = " " * (cells - width(text))
    return space + text if right else text + space
