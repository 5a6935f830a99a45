"""The order in which several workers run the tests: what takes long begins first, and on all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

LONG = (("hypervisor",), ("cli", "docs"), ("contract", "tui"), ("faults", "fleet", "soak"))
"""Folders of tests that wait for daemons, processes and screens, in parts that take about as long as each other."""


def dealt(items: list[pytest.Item], workers: int, root: Path) -> list[pytest.Item]:
    """The tests in as many pieces of equal size as there are workers, each of which begins with long ones.

    xdist gives each worker a piece, and whoever has nothing left gets some from the end of the longest queue. The
    tests of a file stay together: they share daemons.
    """
    place = {folder: part % workers for part, folders in enumerate(LONG) for folder in folders}
    pieces: list[list[pytest.Item]] = [[] for _ in range(workers)]
    short: list[pytest.Item] = []
    for item in items:
        folder = item.path.relative_to(root).parts[0] if item.path.is_relative_to(root) else ""
        (pieces[place[folder]] if folder in place else short).append(item)
    ordered: list[pytest.Item] = []
    for left, piece in zip(range(workers, 0, -1), pieces, strict=True):
        room = max(0, (len(items) - len(ordered)) // left - len(piece))
        ordered += [*piece, *short[:room]]
        del short[:room]
    return ordered + short
