"""Actions of the user's own: keys, palette, help, what their commands are told, and what comes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator_hold import Hold
from tests.tui.console import console, dumping
from tests.tui.terminal import terminal
from tests.tui.test_looks import configured
from tui.config.values import Action, Config

QUIET = "sim:///quiet?domains=3&jobs=0&memory=64"


def config(*actions: Action) -> Config:
    return Config(actions=actions)


async def test_a_command_gets_its_values_by_its_environment_alone(tmp_path: Path) -> None:
    file = tmp_path / "out"
    command = f'env | grep ^VIRT_JOBS_ | sort > {file}.new; mv {file}.new {file}; echo "$VIRT_JOBS_DOMAIN said [/x]"'
    async with console("sim:///demo", config=config(Action("f6", "Tell [/x]", command)), size=(160, 50)) as user:
        await user.go_to("we[ir]d [/x] ünïcode")
        await user.press("f6")
        await user.reads("Tell [/x] started", "Tell [/x] done: we[ir]d [/x] ünïcode said [/x]")
    values = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert values["VIRT_JOBS_DOMAIN"] == "we[ir]d [/x] ünïcode"
    assert values["VIRT_JOBS_URI"] == values["VIRT_JOBS_HOST"] == "sim:///demo"
    assert (values["VIRT_JOBS_STATE"], values["VIRT_JOBS_OPERATION"], values["VIRT_JOBS_DISK"]) == ("running", "", "")
    assert len(values["VIRT_JOBS_UUID"]) == 36
    assert values["VIRT_JOBS_ID"].isdigit()


async def test_one_that_fails_says_so_in_one_line() -> None:
    command = "echo trying; echo 'no such \033[31mdisk' >&2; echo; exit 3"
    async with console(QUIET, config=config(Action("f6", "Check", command)), size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        await user.press("f6")
        await user.reads("✗ Check failed (exit status 3: no such \\x1b[31mdisk)")


async def test_it_runs_for_each_of_the_marked_domains_after_a_question(tmp_path: Path) -> None:
    action = Action("f6", "Touch", f'touch {tmp_path}/"$VIRT_JOBS_DOMAIN"', confirm=True)
    async with console(QUIET, config=config(action)) as user:
        await user.sees("▌ vm-01")
        await user.press("space", "space", "f6")
        await user.sees("Touch for vm-01, vm-02?", "$ touch", "n No")
        await user.press("n")
        await user.press("f6")
        await user.sees("Touch for vm-01, vm-02?")
        assert not (tmp_path / "vm-01").exists()
        await user.press("y")
        await user.sees("vm-01 Touch done", "vm-02 Touch done")
    assert (tmp_path / "vm-01").exists()
    assert (tmp_path / "vm-02").exists()
    assert not (tmp_path / "vm-03").exists()


@pytest.mark.process
async def test_one_for_jobs_needs_a_job_and_knows_its_file(tmp_path: Path) -> None:
    action = Action("f6", "Size", 'echo "$VIRT_JOBS_OPERATION to $VIRT_JOBS_PATH"', target="job")
    async with console(QUIET, config=config(action), size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        await user.press("f6")
        await user.sees("vm-01 has no job")
        async with dumping(QUIET, "vm-01", tmp_path / "core"):
            await user.sees("1 job ")
            await user.press("w")
            await user.sees("waiting for dump", str(tmp_path / "core"))
            await user.press("escape", "f6")
            await user.reads(f"Size done: dump to {tmp_path / 'core'}")


async def test_one_for_a_host_is_told_of_no_domain() -> None:
    action = Action("f6", "Ping", 'echo "[$VIRT_JOBS_URI][$VIRT_JOBS_DOMAIN]"', target="host")
    async with console(QUIET, config=config(action), size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        await user.press("f6")
        await user.reads(f"Ping done: [{QUIET}][]")


async def test_palette_and_help_know_them() -> None:
    async with console(QUIET, config=config(Action("f6", "Frob [/x]", "true"))) as user:
        await user.sees("▌ vm-01")
        await user.press("question_mark")
        await user.sees("f6", "Frob [/x] (your own action, for domains)")
        await user.press("escape")
        await user.press("ctrl+p")
        await user.type("frob")
        await user.sees("Frob [/x]")
        await user.press("enter")
        await user.sees("Frob [/x] done")


async def test_a_key_that_a_keymap_has_freed_can_be_used() -> None:
    settings = Config(actions=(Action("d", "Mine", "true"),), keymap={"dump": "D"})
    async with console(QUIET, config=settings) as user:
        await user.sees("▌ vm-01", "D Dump")
        await user.press("d")
        await user.sees("Mine done")


@pytest.mark.terminal
def test_one_on_the_terminal_has_it_until_it_ends_and_the_console_goes_on() -> None:
    configured(
        """
[[actions]]
key = "f6"
name = "Ask"
where = "terminal"
command = 'printf "%s: " "$VIRT_JOBS_DOMAIN"; read -r answer; echo "got $answer"; exit 5'
"""
    )
    with Hold("sim:///ask?domains=2&jobs=0"), terminal("-c", "sim:///ask?domains=2&jobs=0") as console:
        console.sees("▌ vm-01", "q Quit").type("\x1b[17~").sees("vm-01: ")
        assert b"\x1b[?1049l" in console.written
        console.type("yes\r").sees("got yes", "[Ask: exit status 5; Enter returns to virt-jobs]")
        console.type("\r").sees("▌ vm-01", "q Quit", "Ask failed (exit status 5)")
        console.type("j").sees("▌ vm-02")
        # An interrupt ends the command, and not the console.
        console.type("\x1b[17~").sees("vm-02: ").type("\x03").sees("exit status 130; Enter returns").type("\r")
        console.sees("▌ vm-02", "exit status 130").type("q")
        assert console.ends() == 0


@pytest.mark.terminal
def test_what_happens_meanwhile_is_not_painted_over_the_command(tmp_path: Path) -> None:
    configured('[[actions]]\nkey = "f6"\nname = "Wait"\nwhere = "terminal"\ncommand = "echo here; cat"\n')
    with terminal("-c", "sim:///demo", size=(100, 30)) as console:
        console.sees("▌ ", "q Quit", "%").type("\x1b[17~").sees("here")
        console.type("one\r").sees("one")
        assert console.settles() == b""
        console.type("\x04").sees("Enter returns").type("\r").sees("▌ ", "q Quit", "Domains ─")
