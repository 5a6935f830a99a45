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
from backend.outcome import Evidence, Outcome, Verdict
from backend.records import command, process
from backend.records.command import CommandRecord
from backend.records.commands import Commands
from backend.records.dump_queue import DumpQueue
from backend.records.entry import JobEntry, with_outcome
from backend.records.history import History
from backend.records.host import HOST_FOLDER
from backend.records.journal import Journal
from backend.records.queued_dump import QueuedDump
from backend.simulator import SimulatorBackend
from tests.simulator_hold import Hold
from tests.tui.console import User, console
from tests.unit.test_commands import JOB
from tests.unit.test_commands import new as new_command
from tests.unit.test_dump_queue import left, queued
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


SAVE = ("virsh", "save", "db-3", "/save/db-3")


def ran(
    name: str, *argv: str, returncode: int | None = None, ago: float = 60.0, took: float = 5.0, **values: Any
) -> CommandRecord:
    """A command for that domain on hv1, which runs as long as there is no `returncode`."""
    began = time.time() - ago
    fields = {"uri": HV1, "uuid": f"uuid of {name}", "domain": name, "user": "carol@hv3", "started": began} | values
    record = new_command(*argv, **fields, started_uptime=None)
    Commands().write(record)
    if returncode is not None:
        Commands().write(record := replace(command.ended(record, returncode), ended=began + took))
    return record


def line_up(*dumps: QueuedDump) -> None:
    DumpQueue().add(dumps)


def waiting(name: str, ago: float = 30.0, gone: bool = False, **values: Any) -> QueuedDump:
    """A dump of that domain in the queue of a console, which may be gone."""
    fields = {"uri": HV1, "uuid": f"uuid of {name}", "domain": name, "path": f"/dumps/{name}.elf"}
    return (left if gone else queued)(**fields | {"queued": time.time() - ago} | values)


def everything() -> None:
    """A job, a command that failed, one that runs, a dump in a queue, and one whose console is gone; in this order."""
    remember(("db-1", Verdict.COMPLETED), requester="alice@hv3", path="/save/db-1")
    ran("db-2", "sh", "-c", "exit 3", returncode=3, ago=200.0, took=7.0)
    ran("db-3", *SAVE, ago=150.0)
    line_up(waiting("db-5", ago=50.0, gone=True), waiting("db-4", ago=100.0))


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


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_commands_and_queued_dumps_are_among_the_jobs(size: tuple[int, int]) -> None:
    everything()
    async with console(QUIET, config=NAMED, size=size) as user:
        await opened(user, "5 jobs", "run virsh", "▸ running", "run sh", "✗ failed", " queued", " not started")
        lines = [line for line in user.screen.splitlines() if "db-" in line]
        assert [f"db-{number}" in line for number, line in zip((5, 4, 3, 2, 1), lines, strict=True)] == [True] * 5
        assert "0:07" in lines[3]
        assert all(len(line) <= size[0] for line in user.screen.splitlines())
        if size[0] == 160:
            await user.sees(
                "carol@hv3", "virsh save db-3 /save/db-3", "exit status 3: sh -c 'exit 3'", "/dumps/db-4.elf"
            )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run virsh", [3]),
        ("exit status", [2]),
        ("queued", [4]),
        ("not started", [5]),
        ("carol", [3, 2]),
        ("/dumps/", [5, 4]),
        ("dump|save !running", [5, 4, 1]),
        ("first", [5, 4, 3, 2, 1]),
    ],
)
async def test_the_filter_looks_at_them_as_well(text: str, found: list[int]) -> None:
    everything()
    async with console(QUIET, config=NAMED) as user:
        await opened(user, "5 jobs")
        await user.press("slash")
        await user.type(text)
        await user.sees(f"/{text}  {len(found)} of 5")
        shown = [line for line in user.screen.splitlines() if " db-" in line]
        assert [f"db-{number}" in line for number, line in zip(found, shown, strict=True)] == [True] * len(found)


SORTED = {
    "0": ("Began▾", (5, 4, 3, 2, 1)),
    "N": ("Domain▴", (1, 2, 3, 4, 5)),
    "P": ("Job▴", (5, 4, 2, 3, 1)),
    "R": ("Result▴", (1, 2, 5, 4, 3)),
    "T": ("Took▾", (2, 1, 5, 4, 3)),
    "U": ("By▴", (1, 3, 2, 5, 4)),
    "D": ("Details▴", (4, 5, 1, 2, 3)),
}


@pytest.mark.parametrize("key", SORTED)
async def test_every_column_sorts_them_with_the_jobs(key: str) -> None:
    title, order = SORTED[key]
    everything()
    async with console(QUIET, config=NAMED, size=(160, 50)) as user:
        await opened(user, "5 jobs")
        await user.press(*["N"] * (key == "0"), key)
        await user.sees(title)
        lines = [line for line in user.screen.splitlines() if " db-" in line]
        assert [f"db-{number}" in line for number, line in zip(order, lines, strict=True)] == [True] * 5, user.screen


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_enter_shows_all_of_a_command_and_its_line_and_its_output_are_copied(size: tuple[int, int]) -> None:
    job = replace(JOB, domain="db-2", began=1000.0)
    saved = Outcome(job.key, job.operation, Verdict.COMPLETED, Evidence.LIFECYCLE, "Saved.")
    job = with_outcome(job, saved, 1009.0, None)
    record = ran("db-2", "virsh", "save", "db-2", "/save/[/x]\x1b", returncode=-9, jobs=(job,), cwd="/root")
    output = str(Commands().output_of(record))
    async with console(QUIET, config=NAMED, size=size) as user:
        await opened(user, "1 job", "run virsh")
        await user.press("enter")
        await user.sees("db-2 · run virsh", "✗ failed in 0:05", "source: the command's own exit status")
        await user.reads("It was killed by SIGKILL.", "virsh save db-2 '/save/[/x]\\x1b'", "/root", f"first ({HV1})")
        await user.press("G")
        await user.reads("carol@hv3", "after 0:05", "save completed (lifecycle event) in 0:09", output[:40])
        await user.reads(f"virt-jobs -c {HV1} run db-2 --last")
        assert "\x1b" not in user.screen
        await user.press("c")
        assert user.app.clipboard == output
        await user.press("y")
        assert "first db-2 run virsh failed in 0:05 by carol@hv3: killed by SIGKILL: virsh save" in user.app.clipboard
        await user.press("escape", "c")
        assert user.app.clipboard == output


async def test_a_command_before_the_last_one_names_no_command_that_would_show_another() -> None:
    ran("db-2", "true", returncode=0, ago=100.0)
    ran("db-2", "false", returncode=1)
    async with console(QUIET, config=NAMED) as user:
        await opened(user, "2 jobs")
        await user.press("enter")
        await user.sees("run false", "run db-2 --last")
        await user.press("escape", "j", "enter")
        await user.sees("run true", "ended with exit status 0", "output")
        assert "--last" not in user.screen


async def test_passwords_of_hosts_are_not_shown() -> None:
    ran("db-2", "true", returncode=0, uri="esx://root:secret@esx1/")
    async with console(QUIET, size=(160, 50)) as user:
        await opened(user, "1 job")
        await user.press("enter")
        await user.sees("(esx://root@esx1/)", "virt-jobs -c esx://root@esx1/ run db-2 --last")
        assert "secret" not in user.screen


async def test_a_command_that_was_lost_or_could_not_be_run_says_so() -> None:
    record = ran("db-1", "sleep")
    Commands().write(command.lost(record))
    record = ran("db-2", "nonsense", ago=30.0)
    Commands().write(command.failed(record, "no such file"))
    async with console(QUIET, config=NAMED) as user:
        await opened(user, "? lost", "✗ failed")
        await user.press("enter")
        await user.reads("run nonsense", "It could not be run: no such file.")
        await user.press("escape", "j", "enter")
        await user.reads("? lost", "Nobody knows how it ended: the process that held its result is gone.")
        assert "? lost in" not in user.screen


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_enter_shows_all_of_a_queued_dump_and_its_line_and_its_path_are_copied(size: tuple[int, int]) -> None:
    line_up(waiting("db-5", ago=50.0, gone=True), waiting("db-4", ago=100.0))
    async with console(QUIET, config=NAMED, size=size) as user:
        await opened(user, "2 jobs")
        await user.press("enter")
        await user.sees(
            "db-5 · dump", "not started", "/dumps/db-5.elf (replaces an older file)", "elf", f"first ({HV1})"
        )
        await user.reads("Its console ended before its turn came. The next console that connects to its host asks")
        await user.reads("queued by root@hv3 at ")
        await user.press("c")
        assert user.app.clipboard == "/dumps/db-5.elf"
        await user.press("y")
        assert "first db-5 dump not started by root@hv3 → /dumps/db-5.elf: its console ended" in user.app.clipboard
        await user.press("escape", "j", "enter")
        await user.sees("db-4 · dump", "queued", f"pid {os.getpid()} on hv3")
        await user.reads("It waits in the queue of a console")


async def test_a_command_is_followed_from_its_begin_to_its_end_and_that_of_its_job() -> None:
    async with console(QUIET, config=NAMED, size=(140, 36)) as user:
        await opened(user, "no jobs yet")
        record = ran("db-3", *SAVE)
        await user.sees("1 job", "run virsh", "▸ running")
        await user.press("enter")
        await user.sees("db-3 · run virsh", "It is running.")
        Commands().write(record := replace(record, jobs=(job := replace(JOB, began=time.time()),), following=True))
        await user.sees("jobs                save, running")
        Commands().write(record := command.ended(record, 0))
        await user.sees("✓ completed in 1:0", "It ended with exit status 0.", "save, running")
        saved = Outcome(job.key, job.operation, Verdict.FAILED, Evidence.LIFECYCLE, "It runs again.")
        job = with_outcome(job, saved, time.time(), None)
        Commands().write(replace(record, jobs=(job,), following=False))
        await user.sees("save failed (lifecycle event) in 0:0", "It runs again.")
        await user.press("escape")
        await user.sees("History  1 job", "✓ completed")


async def test_a_queued_dump_is_followed_until_it_is_a_job() -> None:
    async with console(QUIET, config=NAMED, size=(140, 36)) as user:
        await opened(user, "no jobs yet")
        line_up(dump := waiting("db-4"), other := waiting("db-5", ago=10.0))
        await user.sees("2 jobs", " queued")
        DumpQueue().release([other])
        await user.sees("not started")
        await user.press("G", "enter")
        await user.sees("db-4 · dump", "queued by")
        Journal().write(process.new_record(dump.request, HV1, dump.id), dump)
        await user.sees("db-4 · dump", "▸ running", "/dumps/db-4.elf", "your own call")
        await user.press("escape")
        await user.sees("History  2 jobs", "not started", "▸ running")
        assert " queued" not in user.screen


async def test_a_queued_dump_that_is_cancelled_goes_away() -> None:
    line_up(dump := waiting("db-4"), waiting("db-5", ago=10.0))
    async with console(QUIET, config=NAMED, size=(140, 36)) as user:
        await opened(user, "2 jobs")
        await user.press("G", "enter")
        await user.sees("db-4 · dump", "queued by")
        DumpQueue().remove([dump])
        await user.reads("It is no longer remembered: a queued dump was cancelled")
        await user.press("escape")
        await user.sees("History  1 job", "db-5")
        assert "db-4" not in user.screen


async def test_the_tab_of_a_domain_has_its_commands_and_queued_dumps() -> None:
    async with SimulatorBackend(QUIET) as backend:
        domain = (await backend.find("vm-01")).key
    values = {"uri": QUIET, "uuid": domain.uuid}
    remember(("vm-01", Verdict.COMPLETED), **values)
    ran("vm-01", "sh", "-c", "exit 3", returncode=3, ago=200.0, **values)
    line_up(waiting("vm-01", **values))
    async with console(QUIET, size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        await user.press("2")
        await user.sees("dump queued by root@hv3", "elf → /dumps/vm-01.elf", "save completed in 0:05")
        await user.sees("run sh failed in 0:05 by carol@hv3", "sh -c 'exit 3'", "  exit status 3")
        record = ran("vm-01", "sleep", "9", ago=0.0, command_pid=os.getpid(), **values)
        await user.sees("run sleep running by carol@hv3")
        Commands().write(command.ended(record, 0))
        await user.sees("run sleep completed in 0:0")
        await user.press("1")
        await user.sees("no job", "save completed")
        assert "run sh" not in user.screen
