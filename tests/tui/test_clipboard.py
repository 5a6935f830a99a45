"""What is copied is said to be copied only where that is known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tui.console import console
from tests.tui.tmux import CONSOLE, tmux

QUIET = "sim:///quiet?domains=3&jobs=0"


@pytest.fixture
def fake_tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called tmux that takes everything; the console is in it."""
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/loaded\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    return program


def refuse(program: Path) -> None:
    """Have it fail from now on."""
    program.write_text("#!/bin/sh\nexit 1\n")


@pytest.mark.process
async def test_tmux_says_whether_it_has_it(fake_tmux: Path) -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("y")
        await user.sees('copied "vm-01" to tmux')
        assert (fake_tmux.parent / "loaded").read_text() == "vm-01"
        refuse(fake_tmux)
        await user.press("j", "y")
        await user.sees('sent "vm-02" to the terminal')


async def test_a_terminal_without_clipboard_shows_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with console(QUIET) as user:
        await user.sees("vm-01")
        await user.press("y")
        await user.reads('this terminal has no clipboard for "vm-01"')


async def test_a_selection_goes_the_same_way() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("slash", *"vm-0", "shift+home", "ctrl+c")
        await user.reads("sent the selection to the terminal: vm-0")
        assert user.app.clipboard == "vm-0"


async def test_the_uri_of_a_host_is_copied() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("H")
        await user.sees("Latency", "y Copy URI")
        await user.press("y")
        await user.reads(f"sent the URI to the terminal: {QUIET}")
        assert user.app.clipboard == QUIET


async def test_where_there_is_nothing_to_copy_it_says_so() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("Y")
        await user.sees("no job statistics to copy")


@pytest.mark.terminal
def test_in_tmux_as_it_comes_the_name_is_in_its_buffer() -> None:
    with tmux(*CONSOLE.split(), "-c", QUIET) as terminal:
        terminal.sees("▌ vm-01", "q Quit").type("j", "y").sees('copied "vm-02" to tmux')
        assert terminal.run("show-buffer") == "vm-02"
