"""The activity as its reader uses it: results stay until they are seen, and lines lead to what they are about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend.model import DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from tests.simulator_hold import Hold
from tests.tui.console import User, console
from tui.config.values import Config, Dumps
from tui.session.activity import Activity
from tui.widgets.activity_pane import ActivityPane

pytestmark = pytest.mark.process

QUIET = "sim:///quiet?domains=4&jobs=0&memory=64"
SMALL, LARGE = (80, 24), (160, 50)


def activity(user: User) -> Activity:
    return user.app.screen_stack[0].query_one(ActivityPane).activity


def line_with(user: User, text: str) -> int:
    return next(y for y, line in enumerate(user.screen.splitlines()) if text in line)


def cursor(user: User) -> tuple[int, str]:
    """Where the cursor of the activity is, and the text from there on; -1 if there is none."""
    lines = (re.search(r"▌\d\d:.*", line) for line in user.screen.splitlines())
    return next(((y, found[0]) for y, found in enumerate(lines) if found is not None), (-1, ""))


def failed(name: str) -> Outcome:
    key = DomainKey("uuid", 1, name)
    return Outcome(key, JobOperation.DUMP, Verdict.FAILED, Evidence.RESULT, "It failed.", "no space left")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_bad_result_stays_while_a_busy_host_talks_until_it_is_seen(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01", "connected")
        activity(user).tell(failed("db-1"))
        for number in range(60):
            activity(user).say(f"web-{number}", "dump started")
        await user.sees("db-1 ✗ dump failed: no space left", "web-59")
        assert line_with(user, "db-1 ✗") < line_with(user, "web-59")
        await user.press("A")
        await user.sees("A:Activity ─ x:seen", "x Seen")
        await user.press("x")
        await user.sees_no("x:seen", "db-1")
        await user.press("G")
        await user.sees("connected")


async def test_the_users_own_dump_is_kept_and_leads_to_the_job(tmp_path: Path) -> None:
    path = tmp_path / "core"
    async with Hold(QUIET, path) as hold, console(QUIET, config=Config(dump=Dumps(format="raw"))) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01")
        await user.press("tab", "end", "ctrl+u")
        await user.type(str(path))
        await user.press("ctrl+s")
        await user.sees("requested by")
        await user.press("escape")
        await user.sees("W shows it again")
        hold.release()
        await user.sees("vm-01 ✓ dump completed")
        await user.press("A")
        await user.sees("x:seen")
        await user.press("enter")
        await user.sees("vm-01 · dump", "requested by", "esc Close")
        await user.press("escape")
        await user.sees("x:seen")
        assert "vm-01 ✓ dump completed" in cursor(user)[1]


async def test_a_line_leads_to_its_domain_and_that_of_a_host_to_the_hosts() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "connected")
        activity(user).say("vm-03", "was seen")
        await user.press("A")
        await user.sees("esc Domains")
        await user.press("enter")
        await user.sees("▌ vm-03", "space Mark", "vm-03 ─ 1:job")
        await user.press("A", "j")
        await user.press("enter")
        await user.sees("Latency")


async def test_a_line_about_nothing_says_so() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "connected")
        activity(user).say("gone", "was undefined")
        await user.press("A", "enter")
        await user.sees("! this line is about nothing that could be shown")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_new_lines_leave_the_reader_in_place_and_are_counted(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01", "connected")
        for number in range(100):
            activity(user).say(f"web-{number:02}", "dump started")
        await user.press("A", "pagedown", "pagedown", "pagedown", "j")
        await user.until(lambda: "web-99" not in cursor(user)[1], "a cursor further down")
        before = cursor(user)
        for number in range(7):
            activity(user).say(f"new-{number}", "dump started")
        await user.sees("7 new ▲")
        assert cursor(user) == before
        await user.press("g")
        await user.sees("new-6")
        await user.sees_no("new ▲")


async def test_a_reader_who_scrolls_without_the_focus_keeps_the_place() -> None:
    async with console(QUIET, size=LARGE) as user:
        await user.sees("▌ vm-01", "connected")
        for number in range(100):
            activity(user).say(f"web-{number:02}", "dump started")
        await user.sees("web-99")
        await user.scroll(120, 20, 8)
        await user.sees_no("web-99")
        before = user.screen.splitlines()[20][82:]
        activity(user).say("new", "dump started")
        await user.sees("1 new ▲")
        assert user.screen.splitlines()[20][82:] == before


async def test_the_keys_of_the_activity_move_in_it() -> None:
    async with console(QUIET, size=(120, 36)) as user:
        await user.sees("▌ vm-01", "connected")
        for number in range(100):
            activity(user).say(f"web-{number:02}", "dump started")
        await user.press("A", "G")
        await user.sees("connected")
        await user.sees_no("web-99")
        await user.press("k")
        await user.until(lambda: "web-00" in cursor(user)[1], "the cursor on web-00")
        await user.press("g")
        await user.until(lambda: "web-99" in cursor(user)[1], "the cursor on web-99")
        await user.press("escape")
        await user.sees("▌ vm-01", "space Mark")


async def test_a_click_goes_to_a_line_and_a_double_click_opens_it() -> None:
    async with console(QUIET, size=LARGE) as user:
        await user.sees("▌ vm-01", "connected")
        activity(user).say("vm-04", "was seen")
        activity(user).say("vm-02", "was seen")
        await user.sees("vm-02 was seen")
        await user.click(100, line_with(user, "vm-04 was seen"))
        await user.until(lambda: "vm-04" in cursor(user)[1], "the cursor on vm-04")
        await user.click(100, line_with(user, "vm-04 was seen"), times=2)
        await user.sees("▌ vm-04", "space Mark")


async def test_results_leave_room_for_news_while_nobody_reads_them() -> None:
    async with console(QUIET, size=SMALL) as user:
        await user.sees("▌ vm-01", "connected")
        for number in range(9):
            activity(user).tell(failed(f"db-{number}"))
        activity(user).say("web-1", "dump started")
        await user.sees("db-8 ✗", "web-1 dump started", "more results")
        await user.press("A", "z")
        await user.sees("db-8 ✗", "db-0 ✗", "web-1 dump started", "X:all seen")
        await user.press("X")
        await user.sees_no(":seen", "●0")
        assert line_with(user, "web-1") < line_with(user, "db-8"), "they stand where they belong in time"


@pytest.mark.parametrize(("size", "lines"), [(SMALL, 1), (LARGE, 2)])
async def test_a_long_result_is_short_until_someone_reads_it(size: tuple[int, int], lines: int) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01", "connected")
        words = " ".join(f"word{number:02}" for number in range(40))
        activity(user).say("db-1", words, keep=True)
        activity(user).say("web-1", "dump started")
        await user.sees("db-1 word00", "…", "web-1 dump started")
        assert line_with(user, "web-1") - line_with(user, "db-1") == lines
        await user.press("A")
        await user.reads(words)


async def test_a_result_flashes_where_the_activity_is_out_of_sight() -> None:
    async with console(QUIET, size=(60, 16)) as user:
        await user.sees("▌ vm-01", "space Mark")
        activity(user).tell(failed("db-1"))
        await user.sees("✗ db-1: ✗ dump failed")
        await user.press("A")
        await user.sees("x:seen")
        assert user.screen.count("db-1") == 2, "once in the activity, once in the flash line"


async def test_a_result_flashes_over_the_history() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "connected")
        await user.press("J")
        await user.sees("History")
        activity(user).tell(failed("db-1"))
        await user.sees("db-1: ✗ dump failed")
        await user.press("escape", "H")
        await user.sees("Latency")
        activity(user).tell(failed("db-2"))
        await user.sees("●", "db-2 ✗ dump failed")
        assert "db-2: " not in user.screen, "it can be seen below the dialog"


async def test_what_is_not_kept_cannot_be_acknowledged_and_says_so() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "connected")
        await user.press("A", "x")
        await user.sees("! only a result on top, marked ●, can be acknowledged", "1 new ▲")
        assert "sim:///quiet" in cursor(user)[1]
