"""The lines of the main screen go where the content is."""

from __future__ import annotations

import pytest

from tui.widgets.arrangement import SPARE, STEP, Heights, heights, room


@pytest.mark.parametrize(
    ("lines", "rows", "stacked", "expected"),
    [
        (47, 4, False, Heights(7, 40, 40)),
        (47, 20, False, Heights(23, 24, 24)),
        (47, 4000, False, Heights(36, 11, 11)),
        (27, 40, True, Heights(16, 6, 5)),
        (22, 4, True, Heights(7, 8, 7)),
        (22, 40, True, Heights(12, 6, 4)),
        (18, 4000, True, Heights(9, 6, 3)),
        (15, 40, True, Heights(9, 6, 0)),
        (14, 40, True, Heights(14, 0, 0)),
        (14, 4, True, Heights(7, 7, 0)),
        (14, 40, False, Heights(14, 0, 0)),
        (14, 4, False, Heights(7, 7, 7)),
    ],
)
def test_the_domains_take_what_they_need(lines: int, rows: int, stacked: bool, expected: Heights) -> None:
    assert heights(lines, rows, stacked) == expected


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 3, 10, 50, 10_000])
def test_all_lines_are_used_and_none_twice(rows: int, stacked: bool) -> None:
    for lines in range(1, 80):
        shared = heights(lines, rows, stacked)
        below = shared.details + shared.activity if stacked else shared.details
        assert shared.domains + below == lines
        assert min(shared.domains, shared.details, shared.activity) >= 0
        assert shared.domains >= min(lines, 6)


def test_before_any_domain_is_known_the_table_has_most_of_the_lines() -> None:
    assert heights(47, 0, False) == heights(47, 10_000, False)


def test_jobs_of_disks_that_come_and_go_move_nothing() -> None:
    before = room(0, 4)
    assert before == 4
    grown = room(before, 5)
    assert grown == 5 + SPARE
    assert {room(grown, rows) for rows in range(grown - STEP + 1, grown + 1)} == {grown}
    assert room(grown, grown - STEP) == grown - STEP
