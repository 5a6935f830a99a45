"""Ctrl-Z: the shell gets its terminal back, and the console its screen."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from backend.records.journal import Journal
from tests.eventually import eventually
from tests.simulator_hold import Hold
from tests.tui.tmux import CONSOLE, LIMIT, Tmux, tmux

pytestmark = pytest.mark.terminal

QUIET = "sim:///quiet?domains=9&jobs=0&memory=64"
TITLE = "─ Domains ─"


def started(shell: Tmux, command: str = f"{CONSOLE} -c '{QUIET}'") -> Tmux:
    """The console, with its cursor on vm-03."""
    shell.sees("shell>").type(command, "Enter").sees("▌ vm-01", "q Quit", "connected")
    return shell.type("j", "j").sees("▌ vm-03", "─ vm-03 ─")


def process(shell: Tmux) -> int:
    """The console's."""
    pane = shell.run("list-panes", "-F", "#{pane_pid}").strip()
    return int(subprocess.run(["pgrep", "-P", pane], capture_output=True, text=True, check=True).stdout.split()[0])


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_the_screen_is_the_same_afterwards_and_again(size: tuple[int, int]) -> None:
    with tmux(width=size[0], height=size[1]) as shell:
        before = started(shell).screen
        for _ in range(3):
            shell.type("C-z").sees("Stopped", "shell>").sees_no(TITLE)
            assert "icanon" in shell.type("stty -a | grep -o ' icanon'", "Enter").sees(" icanon").screen
            shell.type("clear", "Enter").sees_no("icanon").type("fg", "Enter").sees(TITLE, "▌ vm-03")
            assert shell.screen == before
        shell.type("j").sees("▌ vm-04").type("q").sees_no(TITLE)


def test_a_terminal_that_was_resized_meanwhile_is_filled() -> None:
    with tmux() as shell:
        started(shell).type("C-z").sees("Stopped")
        shell.resize(120, 36).type("fg", "Enter").sees(TITLE, "▌ vm-03", "Rate")
        lines = shell.screen.splitlines()
        assert len(lines[1]) == 120 and "q Quit" in lines[35]
        shell.type("j").sees("▌ vm-04")


def test_in_the_background_it_draws_nothing() -> None:
    with tmux() as shell:
        started(shell).type("C-z").sees("Stopped").type("bg", "Enter").sees("&").type("echo it is; jobs", "Enter")
        shell.sees("it is", "Stopped").sees_no(TITLE)
        shell.type("fg", "Enter").sees(TITLE, "▌ vm-03").type("j").sees("▌ vm-04")


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGTSTP])
def test_a_signal_from_outside_does_no_harm_either(number: signal.Signals) -> None:
    with tmux() as shell:
        before = started(shell).screen
        os.kill(process(shell), number)
        shell.sees("Stopped").type("clear", "Enter").sees_no("Stopped").type("fg", "Enter").sees(TITLE, "▌ vm-03")
        assert shell.screen == before
        shell.type("j").sees("▌ vm-04").type("k", "k").sees("▌ vm-02")


def test_what_it_was_started_by_stops_with_it(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"{CONSOLE} -c '{QUIET}'\necho it ended\n")
    with tmux() as shell:
        started(shell, f"sh {script}").type("C-z").sees("Stopped", "shell>").sees_no(TITLE)
        shell.type("fg", "Enter").sees(TITLE, "▌ vm-03").type("q").sees("it ended", "shell>")


def test_without_a_shell_it_says_why_not_and_no_signal_stops_it() -> None:
    with tmux(*CONSOLE.split(), "-c", QUIET) as alone:
        alone.sees("▌ vm-01", "q Quit").type("C-z").sees("no shell to go back to")
        os.kill(int(alone.run("list-panes", "-F", "#{pane_pid}")), signal.SIGTSTP)
        alone.type("j").sees("▌ vm-02")


def test_a_dump_goes_on_meanwhile_and_its_end_is_known(tmp_path: Path) -> None:
    path = tmp_path / "core"
    with Hold(QUIET) as hold, tmux(width=120, height=36) as shell:
        started(shell).type("d").sees("Dump · vm-03", "free").type("Tab", "End", "C-u").sees("'' --format")
        shell.type(str(path)).sees(path.name).type("C-s").sees("vm-03 · waiting for dump", "done").type("C-z")
        shell.sees("Stopped")
        [record] = Journal().pending()
        hold.release()
        eventually(lambda: (now := Journal().read(record.id)) is not None and now.over, LIMIT)
        shell.type("fg", "Enter").sees("vm-03 · waiting for dump", "✓ dump completed")


def test_the_palette_suspends_too() -> None:
    with tmux() as shell:
        started(shell).type(":", "suspend", "Enter").sees("Stopped").type("fg", "Enter").sees(TITLE, "▌ vm-03")
