"""Files that several make at once: the first to come wins, and nobody is turned away."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from backend.errors import BackendError
from backend.records.journal import Journal
from backend.simulator.store import Store

ALL_AT_ONCE = 4
FILES = 100
"""One alone goes wrong too seldom."""


def a_journal(folder: Path, number: int) -> None:
    assert list(Journal(folder / f"{number}.db").history()) == []


def a_simulator(folder: Path, number: int) -> None:
    Store(str(number)).close()


@pytest.mark.parametrize("make", [a_journal, a_simulator])
def test_any_number_may_be_the_first_to_open_it(make: Callable[[Path, int], None], tmp_path: Path) -> None:
    ready = Barrier(ALL_AT_ONCE)

    def refused(_: int) -> list[BackendError]:
        errors = []
        for number in range(FILES):
            ready.wait()
            try:
                make(tmp_path, number)
            except BackendError as error:
                errors.append(error)
        return errors

    with ThreadPoolExecutor(ALL_AT_ONCE) as threads:
        assert [error for errors in threads.map(refused, range(ALL_AT_ONCE)) for error in errors] == []
