"""The dump form checks the path while it is typed, and what it shows is what a dump gets."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from backend.running.place import Place, look_at
from tests.contract.steps import PATIENCE
from tests.simulator_hold import Hold
from tests.tui.console import User, console
from tests.tui.test_dump import open_form, set_path
from tests.tui.test_marks import mark

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"
SMALL, WIDE = (80, 24), (160, 50)


def notes(user: User) -> list[str]:
    """The signs before the notes, from the top."""
    lines = [line.lstrip("│╭╰─▌ ").lstrip() for line in user.screen.splitlines()]
    return [line[0] for line in lines if line[:2] in ("✗ ", "! ", "· ")]


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_a_missing_folder_is_refused_as_it_is_typed(tmp_path: Path, size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await open_form(user)
        await set_path(user, tmp_path / "none" / "core")
        await user.sees("✗ the folder does not exist")
        assert notes(user) == sorted(notes(user), key="✗!·".index)
        await user.press("ctrl+s")
        await user.sees("✗ the folder does not exist", "Start dump")


async def test_a_folder_is_no_file(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path)
        await user.sees("✗ the file is a folder; name a file in it")


async def test_a_relative_path_is_refused_with_one_reason() -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await user.press("tab", "end", "ctrl+u")
        await user.type("core")
        await user.sees("✗ core is not the absolute path of a file")
        assert notes(user).count("✗") == 1


async def test_a_folder_that_is_not_writable_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        monkeypatch.setattr("tui.dumping.dump_form.look_at", lambda path: replace(look_at(path), forbidden=True))
        await set_path(user, tmp_path / "core")
        await user.sees("✗ the folder is not writable for this user")


@pytest.mark.process
async def test_too_little_space_warns_and_refuses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.dumping.dump_form.look_at", lambda path: replace(look_at(path), free=1 << 20))
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.sees("! writes up to 16.0 MiB, but only 1.0 MiB is free")
        assert "✗" not in user.screen
        await user.press("ctrl+s")
        await user.sees("✓ dump completed")


async def test_a_start_waits_for_the_look_at_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def look_slowly(path: str) -> Place:
        answer.wait(PATIENCE)
        return look_at(path)

    async with console(QUIET) as user:
        await open_form(user)
        monkeypatch.setattr("tui.dumping.dump_form.look_at", look_slowly)
        await set_path(user, tmp_path / "none" / "core")
        await user.sees("looking at its folder")
        await user.press("ctrl+s")
        await user.sees("looking at its folder", "Start dump")
        answer.set()
        await user.sees("✗ the folder does not exist", "Start dump")
        assert "waiting for dump" not in user.screen


@pytest.mark.process
async def test_the_highlighted_format_is_used_however_fast_the_keys_come(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET) as user:
        await open_form(user)
        await user.press("down", "ctrl+s")
        await user.sees("kdump-zlib → ", ".kdump-zlib", "waiting for dump")


async def test_what_is_typed_ahead_goes_to_the_field_that_it_is_meant_for(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        for key in ("x", "tab", "space", "ctrl+s"):  # All of them before any has been handled.
            user.app.post_message(events.Key(key, " " if key == "space" else key if len(key) == 1 else None))
        await user.sees("[x] crash", f"{tmp_path}/corex", "Dump, then end it")
        assert "ends with a space" not in user.screen


async def test_a_whole_dump_in_one_packet(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        keys = ["down", "tab", "ctrl+u", *f"{tmp_path}/core", *["tab"] * 4, "space", "tab", "space"]
        for key in keys:
            user.app.post_message(events.Key(key, " " if key == "space" else key if len(key) == 1 else None))
        await user.sees("(•) kdump-zlib", f"{tmp_path}/core ", "[x] bypass-cache", "[x] overwrite", "[ ] crash")
        await user.reads(f"{tmp_path}/core --format kdump-zlib --bypass-cache --overwrite")


async def test_text_that_comes_with_the_key_before_it_is_kept() -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await user.press("tab", "end")
        for key in ("ctrl+u", "slash", "x", "left", "y", "end", "z"):
            user.app.post_message(events.Key(key, "/" if key == "slash" else key if len(key) == 1 else None))
        await user.sees("dump vm-01 /yxz --format")


async def test_a_click_highlights_and_chooses() -> None:
    async with console(QUIET) as user:
        await open_form(user)
        [(x, y)] = [
            (line.index("( ) raw"), number) for number, line in enumerate(user.screen.splitlines()) if "( ) raw" in line
        ]
        await user.click(x + 5, y)
        await user.sees("(•) raw", "--format raw", ".raw")
        await user.press("up")
        await user.sees("(•) win-dmp", "--format win-dmp")


@pytest.mark.process
async def test_enter_in_the_path_goes_to_the_button_and_starts_what_is_shown(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "mine")
        await user.press("enter", "enter")
        await user.sees("✓ dump completed", f"{tmp_path}/mine")


async def test_a_space_at_the_end_of_the_path_is_pointed_out(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.press("space")
        await user.sees("! the file's name ends with a space")


@pytest.mark.parametrize("size", [(60, 20), SMALL])
async def test_a_form_that_is_longer_than_the_screen_says_so_and_scrolls(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await mark(user, 2)
        await user.press("d")
        await user.sees("Dump · 2 domains", "(•) elf", "Start dump")
        if size == SMALL:  # There it fits.
            await user.sees("Parallel dumps per host", "$ virt-jobs")
            assert "▼ more" not in user.screen
            return
        await user.sees("▼ more", "pgdn More")
        await user.press("tab")
        await user.sees("▼ more", "pgdn More")
        assert "$ virt-jobs" not in user.screen
        await user.press("pagedown")
        await user.sees("$ virt-jobs", "▲")
        await user.sees_no("▼ more")
        await user.press("pageup")
        await user.sees("(•) elf", "▼ more")


async def test_all_flags_are_explained_and_can_be_seen_in_a_narrow_terminal() -> None:
    async with console(QUIET, size=(60, 24)) as user:
        await open_form(user)
        await user.reads("crash: ends the guest after the dump", "reset: resets it", "live: is paused anyway")
        await user.sees("[ ] crash", "[ ] reset", "[ ] live", "[ ] bypass-cache", "[ ] overwrite")
