"""The history: the screen across all hosts, and a domain's last jobs, as the user sees them."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from backend.dump_request import DumpRequest
from backend.model import JobOperation
from backend.observing.histories import JobFeed, Recollection
from backend.observing.memory import Memory
from backend.outcome import Verdict
from backend.records.entry import JobEntry
from backend.records.history import History
from backend.records.host import HOST_FOLDER
from backend.simulator import SimulatorBackend
from tests.simulator_hold import Hold
from tests.tui.console import User, console
from tests.unit.test_history import ended, entry
from tui.config.values import Config, Connection

QUIET = "sim:///quiet?domains=3&jobs=0&memory=64"
HV1 = "qemu+ssh://hv1/system"
NAMED = Config(connections=MappingProxyType({"first": Connection(HV1)}))


def remember(
    *entries: tuple[str, Verdict | None], ago: float = 3600.0, history: History | None = None, **values: Any
) -> list[JobEntry]:
    """Jobs of those domains on hv1, a minute apart, the oldest first."""
    history = history or History()
    kept = []
    for number, (name, verdict) in enumerate(entries):
        began = time.time() - ago + 60 * number
        made = entry(began, **{"uri": HV1, "uuid": f"uuid of {name}", "domain": name, "boot": ""} | values)
        kept.append(history.keep(made if verdict is None else ended(made, verdict)))
    return kept


async def opened(user: User, *texts: str) -> None:
    await user.sees("▌ vm-01")
    await user.press("J")
    await user.sees("╭─ History", "Began▾", *texts)


async def test_the_newest_jobs_of_all_hosts_are_first() -> None:
    remember(("db-1", Verdict.COMPLETED), ("db-2", Verdict.FAILED), requester="root@hv3")
    async with console(QUIET, config=NAMED, size=(160, 50)) as user:
        await opened(
            user, "History  2 jobs", "Began▾", "db-1", "✓ completed", "✗ failed", "root@hv3", "As it was seen."
        )
        assert user.screen.index("db-2") < user.screen.index("db-1")
        await user.press("q")
        await user.sees("▌ vm-01", "Activity")


async def test_it_fits_on_a_small_screen() -> None:
    remember(("db-1", Verdict.COMPLETED), ("db-2", Verdict.CANCELLED))
    async with console(QUIET, size=(80, 24)) as user:
        await opened(user, "db-1", "save", "✓ completed", "⊘ cancelled", "0:05", "esc Close")
        assert all(len(line) <= 80 for line in user.screen.splitlines())


async def test_in_ascii_the_results_are_told_apart_by_words() -> None:
    remember(("db-1", Verdict.COMPLETED), ("db-2", Verdict.UNPROVEN))
    async with console(QUIET, config=Config(ascii=True), size=(100, 30)) as user:
        await user.sees("vm-01")
        await user.press("J")
        await user.sees("db-1", " completed", "? unproven")


async def test_without_any_job_it_says_what_to_do() -> None:
    async with console(QUIET) as user:
        await opened(user, "no jobs yet: what this console sees from now on, and what you start, is kept here")
        await user.press("enter")
        await user.sees("no job is selected")


async def test_the_palette_opens_it() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("ctrl+p")
        await user.type("past jobs of all")
        await user.sees("History")
        await user.press("enter")
        await user.sees("no jobs yet")


async def test_filtering_and_sorting() -> None:
    remember(*((f"db-{number}", Verdict.FAILED if number % 2 else Verdict.COMPLETED) for number in range(6)))
    async with console(QUIET) as user:
        await opened(user, "6 jobs")
        await user.press("slash")
        await user.type("failed")
        await user.sees("/failed  3 of 6")
        await user.press("enter", "s", "s", "S")
        await user.sees("Job▾")
        await user.press("question_mark")
        await user.sees("Show only what matches", "Sort by the time that jobs took")
        await user.press("escape", "slash")
        await user.type(" nothing")
        await user.sees("no match for /nothing")
        await user.press("escape")
        await user.sees("6 jobs")
        await user.press("escape")
        await user.sees("Activity")


async def test_enter_shows_everything_and_y_and_c_copy() -> None:
    remember(("db-1", Verdict.FAILED), path="/var/lib/db-1.save", format="raw", requester="alice@hv3", bytes=4096)
    async with console(QUIET, config=NAMED) as user:
        await opened(user, "1 job", "db-1")
        await user.press("enter")
        await user.sees(
            "db-1 · save",
            "✗ failed in 0:05",
            "As it was seen.",
            "source: what the domain did at that moment",
            f"first ({HV1})",
            "requested by        alice@hv3",
            "4.0 KiB (4096 bytes)",
            "/var/lib/db-1.save",
            "your virt-jobs      failed (lifecycle event) · root@hv1 (watch)",
        )
        await user.press("c")
        assert user.app.clipboard == "/var/lib/db-1.save"
        await user.press("escape", "y")
        assert "first db-1 save failed in 0:05 by alice@hv3 → /var/lib/db-1.save: As it was seen." in user.app.clipboard
        await user.press("enter")
        await user.sees("db-1 · save")


async def test_outside_text_is_no_markup() -> None:
    evil = "[/x][@click=app.quit]\x1b[2J"
    remember((f"db{evil}", Verdict.FAILED), requester=evil, path=f"/{evil}")
    async with console(QUIET, size=(160, 50)) as user:
        await opened(user, "1 job", "db[/x][@click")
        await user.press("enter")
        await user.sees("[/x][@click=app.quit]", "source:")
        assert "\x1b" not in user.screen


async def test_what_this_console_sees_is_there_at_once(tmp_path: Path) -> None:
    async with Hold(QUIET) as hold, console(QUIET, size=(140, 36)) as user, SimulatorBackend(QUIET) as other:
        await opened(user, "no jobs yet")
        domain = await other.find("vm-02")
        await other.begin_dump(DumpRequest(domain.key, str(tmp_path / "core")))
        await user.sees("vm-02", "▸ running")
        await user.press("enter")
        await user.sees("vm-02 · dump", "It is running")
        hold.release()
        await user.sees("vm-02 · dump", "✓ completed in 0:0", "source: the dump's own file", str(tmp_path / "core"))
        await user.press("escape")
        await user.sees("History  1 job", "✓ completed")


async def test_what_others_remember_comes_while_it_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOST_FOLDER, str(tmp_path))
    witness = History(tmp_path / "history.db")
    remember(("db-1", Verdict.COMPLETED), history=witness, ago=7200.0)
    async with console(QUIET, size=(140, 36)) as user:
        await opened(user, "1 job", "db-1")
        remember(("db-2", Verdict.FAILED), history=witness)
        remember(("db-3", Verdict.CANCELLED), ago=1800.0)
        await user.sees("3 jobs", "db-1", "✗ failed", "⊘ cancelled")
        await user.press("G", "enter")
        await user.sees("db-1 · save", "the host's witness  completed")


async def test_a_job_that_several_remember_is_there_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOST_FOLDER, str(tmp_path))
    [known] = remember(("db-1", Verdict.UNPROVEN))
    History(tmp_path / "history.db").keep(ended(replace(known, ended=None, verdict=None, evidence=None)))
    async with console(QUIET) as user:
        await opened(user, "1 job", "✓ completed")


async def test_a_slow_disk_delays_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    remember(("db-1", Verdict.COMPLETED))
    reading, go_on = threading.Event(), threading.Event()
    recall = JobFeed.recall

    def slow(feed: JobFeed) -> Recollection:
        if feed._query.name is None:  # The details read as well.
            reading.set()
            go_on.wait()
        return recall(feed)

    monkeypatch.setattr(JobFeed, "recall", slow)
    async with console(QUIET) as user:
        try:
            await opened(user, "reading the history …")
            await asyncio.to_thread(reading.wait)
            await user.press("slash")
            await user.type("db")
            await user.press("enter")
            go_on.set()
            await user.sees("/db  1 of 1", "db-1")
            await user.press("escape", "escape")
            await user.sees("Activity")
        finally:
            go_on.set()


async def test_a_source_that_cannot_be_read_is_named_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOST_FOLDER, str(tmp_path))
    History(tmp_path / "history.db").keep(entry())
    os.chmod(tmp_path, 0o777)
    remember(("db-1", Verdict.COMPLETED))
    async with console(QUIET, size=(140, 36)) as user:
        await opened(user, "1 job", "db-1", "others than root may have written it")


async def test_what_cannot_be_stored_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    why = ["the disk is full"]
    monkeypatch.setattr(Memory, "trouble", property(lambda memory: why[0]))
    async with console(QUIET, size=(140, 36)) as user:
        await opened(user, "not stored yet: the disk is full")
        why[0] = ""
        await user.sees_no("not stored yet")


async def test_of_very_many_jobs_the_newest_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.screens.history.MOST", 40)
    remember(*((f"db-{number:02}", Verdict.COMPLETED) for number in range(60)), ago=86400.0)
    async with console(QUIET) as user:
        await opened(user, "the newest 40 jobs", "▌", "db-59")
        await user.press("G")
        await user.sees("db-20")
        await user.press("g")
        await user.sees("db-59")


async def test_a_click_moves_the_cursor_a_second_one_opens_and_the_header_sorts() -> None:
    remember(("db-1", Verdict.COMPLETED), ("db-2", Verdict.FAILED), ("db-3", Verdict.FAILED))
    async with console(QUIET) as user:
        await opened(user, "3 jobs")
        lines = user.screen.splitlines()
        line = next(y for y, text in enumerate(lines) if "db-2" in text)
        await user.click(20, line, times=2)
        await user.sees("db-2 · save")
        await user.press("escape")
        head = next(y for y, text in enumerate(lines) if "Result" in text)
        await user.click(lines[head].index("Result") + 1, head)
        await user.sees("Result▴")


async def test_the_tab_of_a_domain_has_its_last_jobs_of_every_kind() -> None:
    async with SimulatorBackend(QUIET) as backend:
        domain = (await backend.find("vm-01")).key
    values = {"uri": QUIET, "uuid": domain.uuid, "requester": "bob@hv3"}
    remember(("vm-01", Verdict.COMPLETED), **values)
    remember(("vm-01", Verdict.FAILED), ago=60.0, operation=JobOperation.BACKUP, **values)
    async with console(QUIET, size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        await user.press("2")
        await user.sees("save completed in 0:05 by bob@hv3", "backup failed in 0:05 by bob@hv3", "As it was seen.")
        assert user.screen.index("backup failed") < user.screen.index("save completed")
        await user.press("1")
        await user.sees("no job", "backup failed")
        assert "save completed" not in user.screen
