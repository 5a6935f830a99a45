"""The console as its user has configured it."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest

from backend.records.journal import Journal
from backend.uri import open_backend
from tests.simulator_hold import Hold
from tests.tui.console import console, dumping, ended
from tui.config.values import Config, Connection, Dumps, Notifications

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"


def config(keymap: dict[str, str] | None = None, connection: Connection | None = None, **others: object) -> Config:
    connections = {"lab": connection} if connection else {}
    return Config(keymap=MappingProxyType(keymap or {}), connections=MappingProxyType(connections), **others)  # type: ignore[arg-type]


async def test_another_key_does_it_and_the_first_one_no_more() -> None:
    async with console(QUIET, config=config({"dump": "D,f5", "sort": "o"})) as user:
        await user.sees("▌ vm-01", "D Dump", "o Sort")
        await user.press("d")
        await user.press("question_mark")
        await user.sees("Keys", "D f5")
        await user.press("escape", "f5")
        await user.sees("Dump · vm-01")


async def test_texts_name_the_keys_as_they_are_now(tmp_path: Path) -> None:
    keymap = {"wait": "f3", "detach": "f4", "show-info": "i"}
    async with console(QUIET, config=config(keymap)) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.sees("▌ vm-01", "1 job ", "1:job ─ 2:history ─ i:info")
        await user.press("d")
        await user.sees("f3 waits for it")
        await user.press("f3")
        await user.sees("f4 detaches; the job continues", "f4 Detach")
        await user.press("f4")
        await user.sees("detached; the dump is still running")


async def test_keys_may_be_swapped() -> None:
    async with console(QUIET, config=config({"dump": "w", "wait": "d"})) as user:
        await user.sees("▌ vm-01", "w Dump", "d Wait")
        await user.press("d")
        await user.sees("has no job to wait for")
        await user.press("w")
        await user.sees("Dump · vm-01")


async def test_the_table_can_have_other_keys() -> None:
    async with console(QUIET, config=config({"cursor.down": "n", "cursor.up": "e"})) as user:
        await user.sees("▌ vm-01")
        await user.press("n", "n")
        await user.sees("▌ vm-03")
        await user.press("e", "j", "down")
        await user.sees("▌ vm-02")


async def test_a_connection_goes_by_its_alias() -> None:
    async with console(QUIET, config=config(connection=Connection(QUIET, "red"))) as user:
        await user.sees("virt-jobs  lab ●", "lab connected")
        assert QUIET not in user.screen


async def test_a_connection_that_is_read_only_says_so_and_why_nothing_can_be_done() -> None:
    async with console(QUIET, config=config(connection=Connection(QUIET, readonly=True))) as user:
        await user.sees("read-only", "▌ vm-01")
        await user.press("d")
        await user.sees("read only access")


async def test_one_of_several_connections_is_read_only() -> None:
    other = "sim:///other?domains=1&jobs=0"
    async with console(QUIET, other, config=config(connection=Connection(QUIET, readonly=True))) as user:
        await user.sees("lab ● read-only", "vm-01        lab")


async def test_the_form_begins_with_the_path_and_the_format_of_the_config(tmp_path: Path) -> None:
    dump = Dumps(f"{tmp_path}/{{domain}}.{{format}}", "kdump-zlib")
    async with console(QUIET, config=config(dump=dump)) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01", f"{tmp_path.name}/vm-01.kdump-zlib ")
        await user.press("down")
        await user.sees(f"{tmp_path.name}/vm-01.kdump-lzo")


async def test_a_command_is_told_how_the_dump_ended(tmp_path: Path) -> None:
    told = tmp_path / "told"
    on_end = f'echo "$VIRT_JOBS_DOMAIN $VIRT_JOBS_VERDICT $VIRT_JOBS_URI" > {told}.part; mv {told}.part {told}'
    settings = config(dump=Dumps(f"{tmp_path}/core"), notifications=Notifications(on_end=on_end))
    async with console(QUIET, config=settings) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01")
        await user.press("ctrl+s")
        await user.until(told.exists, "word of the end")
        assert told.read_text() == f"vm-01 completed {QUIET}\n"


async def test_publishing_can_be_switched_off(tmp_path: Path) -> None:
    async with console(QUIET, config=config(dump=Dumps(f"{tmp_path}/core", publish=False))) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01")
        await user.press("ctrl+s")
        await user.sees("✓ dump completed")
    [record] = Journal().history()
    assert (await ended(record)).state == "completed"
    async with open_backend(QUIET) as backend:
        assert await backend.record(record.key) is None


@pytest.mark.parametrize("theme", ["virt-jobs-light", "textual-light", "ansi-dark", "ansi-light", "gruvbox"])
async def test_every_screen_is_there_in_other_themes(theme: str) -> None:
    demo = "sim:///demo?jobs=2"
    async with Hold(demo), console(demo, config=config(theme=theme)) as user:
        await user.sees("▌ ", "SIMULATED", "%")
        await user.go_to("db-01")
        await user.press("w")
        await user.sees("waiting for", "esc detaches")
        await user.press("escape")
        await user.go_to("web-01")
        await user.press("d")
        await user.sees("Dump · web-01", "Start dump")
        await user.press("escape", "question_mark")
        await user.sees("Show all keys")
