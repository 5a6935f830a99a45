"""The numbers in the status line: problems and failures stay where there is little room."""

from __future__ import annotations

import pytest

from backend.model import DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from tests.tui.console import console
from tui.screens.main import MainScreen
from tui.widgets.counts import Counts, phrase

ALL = Counts(domains=40, problems=2, running=5, failed=1, unproven=3)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (80, "40 domains · 2 problems · 5 jobs running · 1 failed · 3 unproven"),
        (58, "40 dom · 2 problems · 5 running · 1 failed · 3 unproven"),
        (50, "2 problems · 5 running · 1 failed · 3 unproven"),
        (40, "2 problems · 1 failed · 3 unproven"),
        (25, "2 problems · 1 failed"),
        (10, "2 problems"),
        (5, "2 problems"),
    ],
)
def test_the_least_important_gives_way(cells: int, expected: str) -> None:
    assert phrase(ALL, cells).plain == expected


def test_what_is_fine_is_not_counted() -> None:
    assert phrase(Counts(1, 0, 1, 0, 0), 80).plain == "1 domain · 1 job running"


def test_a_failure_is_told_apart_by_its_colour_as_well() -> None:
    [span] = [span for span in phrase(ALL, 80).spans if "error" in str(span.style)]
    assert phrase(ALL, 80).plain[span.start : span.end] == "1 failed"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_the_status_line_counts(size: tuple[int, int]) -> None:
    async with console("sim:///quiet?domains=4&jobs=0", size=size) as user:
        await user.sees("▌ vm-01", "0 jobs running")
        main = user.app.screen_stack[0]
        assert isinstance(main, MainScreen)
        key = DomainKey("uuid", 1, "db-01")
        main.session.tally.add(Outcome(key, JobOperation.DUMP, Verdict.FAILED, Evidence.RESULT, "It failed."))
        main.session.tally.add(Outcome(key, JobOperation.DUMP, Verdict.UNPROVEN, Evidence.NONE, "Nobody saw it."))
        main.rows_changed((), ())
        await user.sees("1 failed", "1 unproven", "SIMULATED")
        status = user.screen.splitlines()[0]
        assert status.index("1 failed") < status.index("1 unproven")
        assert ("4 domains" in status) is (size[0] > 60)


async def test_several_hosts_and_the_counts_share_sixty_columns() -> None:
    hosts = [f"sim:///host-{number}?domains=3&jobs=1" for number in range(3)]
    async with console(*hosts, size=(60, 20)) as user:
        await user.sees("3 hosts  3 ●", "3 running", "SIMULATED")
        assert len(user.screen.splitlines()[0].rstrip()) <= 60
