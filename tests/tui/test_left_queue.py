"""The queue of a console that was killed, as the user of the next one sees it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from backend.dump_request import DumpFlags, DumpFormat
from backend.records.dump_queue import DumpQueue
from backend.records.journal import Journal
from backend.records.queued_dump import QueuedDump
from backend.uri import open_backend
from tests.eventually import eventually
from tests.simulator_hold import Hold
from tests.tui.console import User, console
from tests.tui.terminal import Terminal, terminal
from tests.tui.test_queue import ONE, QUIET, one_running_one_queued
from tests.tui.test_terminal import CTRL_S, CTRL_U, END
from tests.unit.test_dump_queue import left

pytestmark = pytest.mark.process


async def leave(folder: Path, *names: str, uri: str = QUIET) -> list[QueuedDump]:
    """Dumps of these domains that a console left."""
    dumps = []
    async with open_backend(uri) as backend:
        for name in names:
            key = (await backend.find(name)).key
            raw = {"format": DumpFormat.RAW, "flags": DumpFlags.NONE, "path": str(folder / f"{name}.core")}
            dumps.append(left(uri=uri, uuid=key.uuid, domain=name, domain_id=key.id, **raw))
    DumpQueue().add(dumps)
    return dumps


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_they_are_listed_with_domain_and_path_and_enter_leaves_them_where_they_are(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    dumps = await leave(tmp_path, "vm-01", "vm-03")
    async with console(QUIET, config=ONE, size=size) as user:
        await user.sees("Queued dumps · 2", f"vm-01 → {tmp_path}/vm-01.core", f"vm-03 → {tmp_path}/vm-03.core")
        await user.sees("Later", "Queue them again", "Forget them")
        await user.press("y", "d", "enter")
        await user.sees_no("Queued dumps · 2")
        await user.reads("2 queued dumps are kept: Queued dumps in the palette shows them again")
        assert (DumpQueue().left(), Journal().history()) == (dumps, [])


async def test_queued_again_they_are_dumped(tmp_path: Path) -> None:
    await leave(tmp_path, "vm-01", "vm-03")
    async with console(QUIET, config=ONE) as user:
        await user.sees("Queued dumps · 2")
        await user.press("tab", "enter")
        await user.sees("Waiting · 2 domains", "2 completed")
        assert all(Path(tmp_path / f"{name}.core").exists() for name in ("vm-01", "vm-03"))  # noqa: ASYNC240
        assert DumpQueue().all() == []


async def test_forgotten_they_are_gone(tmp_path: Path) -> None:
    await leave(tmp_path, "vm-01")
    async with console(QUIET, config=ONE) as user:
        await user.sees("Queued dumps · 1", "This dump was queued by a console that ended before it began")
        await user.press("delete")
        await user.sees("one queued dump was forgotten")
        assert DumpQueue().all() == []


async def test_the_palette_shows_them_again(tmp_path: Path) -> None:
    await leave(tmp_path, "vm-01")
    async with console(QUIET, config=ONE) as user:
        await user.sees("Queued dumps · 1")
        await user.press("escape")
        await user.sees_no("Queued dumps · 1")
        await palette(user)
        await user.sees("Queued dumps · 1")


async def test_what_cannot_be_dumped_any_more_says_so_and_is_kept(tmp_path: Path) -> None:
    [dump] = await leave(tmp_path, "vm-01")
    DumpQueue().remove([dump])
    DumpQueue().add([gone := left(uri=QUIET, domain="old", path="/x")])
    async with console(QUIET, config=ONE, size=(80, 24)) as user:
        await user.sees("old ✗ the domain does not exist any more")
        await user.press("ctrl+s")
        await user.sees("Queued dumps · 1")
        await user.press("escape")
        assert DumpQueue().left() == [gone]


async def test_they_wait_until_no_other_screen_is_open(tmp_path: Path) -> None:
    slow = QUIET.replace("quiet", "late")
    await leave(tmp_path, "vm-01", uri=slow)
    async with console(QUIET, config=ONE) as user:
        await user.sees("4 domains")
        await user.press("H", "plus")
        await user.type(slow)
        await user.press("enter")
        await user.sees("Hosts · 2", "8 domains")
        await user.press("escape")
        await user.sees("Queued dumps · 1")


async def test_whoever_quits_with_a_queue_is_asked_and_leaves_nothing(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await one_running_one_queued(user, tmp_path)
        await user.until(lambda: len(DumpQueue().all()) == 1, "queue in the journal")
        await user.press("q")
        await user.sees("One dump is queued.", "queued dumps will be cancelled")
        await user.press("y")
        await user.until(lambda: not DumpQueue().all(), "empty queue")


def several_are_queued(screen: Terminal, folder: Path) -> None:
    screen.sees("▌ vm-01").type("*").sees("6 marked").type("d").sees("Dump · 6 domains", "Parallel dumps per host")
    screen.type("\t").type(END + CTRL_U).sees("the file must be").type(f"{folder}/{{domain}}.core").sees(".core")
    screen.type(CTRL_S).sees("Waiting · 6 domains", "2 running · 4 queued")
    eventually(lambda: len(DumpQueue().all()) == 4, 20)


@pytest.mark.terminal
@pytest.mark.parametrize("end", [Terminal.kill, Terminal.hang_up, lambda screen: screen.signal(signal.SIGHUP).ends()])
def test_a_console_that_is_killed_leaves_its_queue_to_the_next(tmp_path: Path, end: object) -> None:
    uri = "sim:///shot?domains=6&jobs=0&memory=16"
    with Hold(uri) as hold:
        with terminal("-c", uri) as screen:
            several_are_queued(screen, tmp_path)
            end(screen)  # type: ignore[operator]
        eventually(lambda: len(DumpQueue().left()) == 4, 20)
        with terminal("-c", uri, size=(80, 24)) as screen:
            screen.sees("Queued dumps · 4", f"vm-06 → {tmp_path}/vm-06.core", "Later")
            assert len(Journal().history()) == 2
            screen.type(CTRL_S).sees("Waiting · 4 domains", "4 queued")
            hold.release()
            screen.sees("4 completed", "All finished")
    eventually(lambda: len(list(tmp_path.glob("*.core"))) == 6, 20)  # The first two belong to nobody here.


@pytest.mark.terminal
def test_a_console_that_lives_keeps_its_queue(tmp_path: Path) -> None:
    uri = "sim:///alive?domains=6&jobs=0&memory=16"
    with Hold(uri), terminal("-c", uri) as first, terminal("-c", uri) as second:
        several_are_queued(first, tmp_path)
        second.sees("2 jobs")
        with terminal("-c", uri) as third:
            third.sees("2 jobs", "q Quit")
            assert "Queued dumps" not in third.screen + second.screen
        assert (len(DumpQueue().all()), DumpQueue().left()) == (4, [])


async def test_it_says_nothing_where_nothing_is_left() -> None:
    async with console(QUIET) as user:
        await user.sees("4 domains", "▌ vm-01")
        await palette(user)
        await user.reads("no dump is left in the queue of an earlier console")


async def palette(user: User) -> None:
    await user.press("ctrl+p")
    await user.type("queued dumps")
    await user.sees("an earlier console queued")
    await user.press("enter")
