"""The dump form, as its user sees it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from backend.running.place import Place
from tests.contract.steps import PATIENCE
from tests.tui.console import User, console, dumping

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"


async def open_form(user: User) -> None:
    await user.sees("▌ vm-01")
    await user.press("d")
    await user.sees("Dump · vm-01", "free")


async def set_path(user: User, path: Path) -> None:
    await user.press("tab", "end", "ctrl+u")
    await user.type(str(path))
    await user.sees(path.name)


async def test_a_dump_by_keys_writes_the_file_and_says_how_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "core"
    async with console(QUIET) as user:
        await open_form(user)
        await user.press("down", "space")
        await set_path(user, path)
        await user.press("ctrl+s")
        await user.sees("✓ dump completed", "the dump call's own result")
        assert path.read_bytes().startswith(b"TestGuestMagic_1")


async def test_its_end_is_told_in_the_activity(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.press("ctrl+s")
        await user.sees("✓ dump completed")
        await user.press("escape")
        await user.sees("vm-01 dump started", "vm-01 ✓ dump completed")


async def test_the_form_says_what_will_happen() -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await user.sees("the guest is paused", "cannot be aborted", "writes up to 16.0 MiB")


async def test_the_same_act_is_shown_as_a_command(tmp_path: Path) -> None:
    async with console("sim:///demo") as user:
        await user.sees("web-01")
        await user.go_to("gitlab [ci/runner]")
        await user.press("d")
        await user.sees("dump 'gitlab [ci/runner]'", "--format elf")


async def test_the_path_follows_the_format_until_it_is_edited(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await user.press("down", "space")
        await user.sees(".kdump-zlib")
        await set_path(user, tmp_path / "mine")
        await user.press("shift+tab", "down", "space")
        await user.sees("kdump-lzo  ", "/mine")


async def test_crash_excludes_reset_and_live() -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await user.press("tab", "tab", "space")
        await user.sees("[x] crash", "reset: not together with crash", "live: not together with crash", "--crash")


async def test_an_existing_file_needs_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_text("precious")
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, path)
        await user.sees("the file exists")
        await user.press("ctrl+s")
        await user.sees("choose another, or overwrite")
        assert path.read_text() == "precious"


async def test_an_error_is_a_line_in_the_form_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "twice"
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, path)
        async with dumping(QUIET, "vm-01", tmp_path / "other"):
            await user.press("ctrl+s")
            await user.sees("vm-01 has a job already", "twice", "Start dump")


async def test_a_dead_file_system_blocks_one_thread_however_much_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, examined = threading.Event(), list[str]()

    def look_at_dead_storage(path: str) -> Place:
        examined.append(path)
        back.wait(PATIENCE)
        return Place(exists=False, folder=True, free=1 << 40)

    async with console(QUIET) as user:
        await open_form(user)
        monkeypatch.setattr("tui.dumping.dump_form.look_at", look_at_dead_storage)
        try:
            await set_path(user, tmp_path / "core")
            assert sum(thread.name == "dump path" for thread in threading.enumerate()) == 1
            assert len(examined) == 1
        finally:
            back.set()
        await user.sees("1.0 TiB free")
        assert examined[-1] == str(tmp_path / "core")


async def test_escape_leaves_the_form_and_starts_nothing(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.press("escape")
        await user.sees_no("Dump · vm-01")
        assert not (tmp_path / "core").exists()


async def test_a_domain_that_is_not_running_is_refused_with_the_reason() -> None:
    async with console("sim:///demo") as user:
        await user.sees("db-01")
        await user.go_to("build-02")
        await user.press("d")
        await user.sees("build-02 is not running")


async def test_a_read_only_connection_says_why_it_cannot_dump() -> None:
    async with console(QUIET, readonly=True) as user:
        await user.sees("read-only", "▌ vm-01")
        await user.press("d")
        await user.sees_no("Dump · vm-01")
        await user.sees("read only access")


async def test_moving_in_the_formats_chooses() -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await user.press("down", "j")
        await user.sees("(•) kdump-lzo", "--format kdump-lzo")
        await user.press("k", "up")
        await user.sees("(•) elf", "--format elf")


async def test_the_form_fits_a_small_terminal() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await open_form(user)
        await user.sees("elf", "overwrite", "Start dump", "Cancel")
