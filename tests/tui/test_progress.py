"""How a job that goes on, stands still, is closed or has not begun stands in the table and on the wait screen."""

from __future__ import annotations

import pytest
from rich.style import Style

from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.observing.memory import Memory
from backend.observing.progress import Progress, ProgressMeter
from backend.observing.views import DomainView
from backend.records.history import History
from tests.unit.session.quiet import SilentListener
from tui.app import Console
from tui.commands.keys import Keys
from tui.config.values import Config
from tui.screens.wait import state
from tui.session.host import Host, Link
from tui.session.job_wait import JobWait
from tui.session.rows import Row
from tui.widgets.row_painter import RowPainter

DOMAIN = Domain(DomainKey("6f1c", 1, "db-01"), DomainState.PAUSED)
KEYS = Keys({}, Console([]).get_key_display)
SMALL, WIDE = 78, 158
"""Cells of a row in terminals of 80 and 160 columns."""


def stats(processed: int, type: JobType = JobType.UNBOUNDED, total: int = 1000) -> JobStats:
    return JobStats(
        type,
        JobOperation.DUMP,
        12_000,
        memory_total=total << 20,
        memory_processed=processed << 20,
        memory_remaining=(total - processed) << 20,
    )


def after(*samples: JobStats, seconds: float = 1.0) -> Progress:
    """Where a job stands that gave these samples, so many seconds apart."""
    meter = ProgressMeter()
    return [meter.update(sample, number * seconds) for number, sample in enumerate(samples)][-1]


def row(progress: Progress | None, cells: int, pending: str = "", stale: bool = False) -> str:
    painter = RowPainter(False, lambda name, cursor, marked: Style())
    painter.lay_out(cells, len(DOMAIN.name))
    shown = Row("sim:///x", DomainView(DOMAIN, progress), "x", pending=pending, stale=stale)
    return painter.line(shown, cursor=False, marked=False).text


def wait_screen(progress: Progress | None) -> str:
    host = Host("sim:///x", False, Config(), SilentListener(), Memory(History(), "test"))
    host.link = Link.UP
    return state(JobWait(host, DOMAIN.key, JobOperation.DUMP, progress=progress), KEYS, 60).plain


@pytest.mark.parametrize("cells", [SMALL, WIDE])
def test_a_job_that_goes_on(cells: int) -> None:
    shown = row(after(stats(500), stats(600)), cells)
    assert "60 %" in shown
    assert "~0:04" in shown


def test_a_job_that_goes_on_in_the_wait_screen() -> None:
    shown = wait_screen(after(stats(500), stats(600)))
    assert "60 %" in shown
    assert "done 600 MiB   left 400 MiB   of 1000 MiB   at 100 MiB/s" in shown
    assert "about 0:04 to go (estimate)" in shown


def test_a_job_that_stands_still_says_for_how_long_and_foretells_nothing() -> None:
    still = after(stats(600), stats(600), seconds=75)
    assert "stalled" in row(still, SMALL)
    assert "stalled 1:15" in row(still, WIDE)
    assert "~" not in row(still, SMALL) + row(still, WIDE)
    shown = wait_screen(still)
    assert "stalled: no progress for 1:15" in shown
    assert "to go" not in shown


@pytest.mark.parametrize(("cells", "said"), [(SMALL, "closing "), (WIDE, "closing the file")])
def test_a_file_that_is_closed_is_not_called_done(cells: int, said: str) -> None:
    shown = row(after(stats(900), stats(1000, JobType.COMPLETED)), cells)
    assert said in shown
    assert "%" not in shown


def test_closing_in_the_wait_screen_says_that_nothing_is_proved() -> None:
    shown = wait_screen(after(stats(900), stats(1000, JobType.COMPLETED)))
    assert "finishing: closing the file (result not known yet)" in shown


def test_the_percentage_does_not_go_back_when_the_total_grows() -> None:
    grown = after(stats(600), stats(610, total=2000))
    assert "60 %" in row(grown, WIDE)
    assert "60 %" in wait_screen(grown)


def test_the_percentage_is_at_most_a_hundred() -> None:
    beyond = after(stats(900), stats(1100))
    assert "100 %" in row(beyond, WIDE)
    assert "100 %" in wait_screen(beyond)


@pytest.mark.parametrize("pending", ["starting", "queued"])
def test_a_dump_that_has_not_begun(pending: str) -> None:
    assert pending in row(None, SMALL, pending)
    assert "dump" in row(None, SMALL, pending)


def test_what_was_last_seen_of_a_lost_host_is_marked() -> None:
    shown = row(after(stats(500), stats(600)), WIDE, stale=True)
    assert "?paused" in shown
    assert "last seen" in shown
    assert "~" not in shown
