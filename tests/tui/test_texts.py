"""Reading about a domain: its log as it grows, with the hypervisor's messages, and its XML."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.errors import NotAnswering, NotPermitted
from backend.model import DomainKey
from backend.simulator import SimulatorBackend
from tests.tui.console import User, console

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of every domain, in a folder of its own."""
    folder = tmp_path / "log"
    folder.mkdir()

    async def log_file(backend: SimulatorBackend, domain: DomainKey) -> Path:
        return folder / f"{domain.name}.log"

    monkeypatch.setattr(SimulatorBackend, "log_file", log_file)
    return folder / "vm-01.log"


def append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


async def opened(user: User, key: str, *texts: str) -> None:
    await user.sees("▌ vm-01")
    await user.press(key)
    await user.sees(*texts)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_log_is_shown_from_its_end_and_followed(log: Path, size: tuple[int, int]) -> None:
    append(log, *(f"line {number:03}" for number in range(100)))
    async with console(QUIET, size=size) as user:
        await opened(user, "l", "log · vm-01", str(log), "line 099", "the hypervisor reports nothing about this domain")
        await user.sees("of 100 · what comes is shown")
        assert "line 010" not in user.screen
        append(log, "the next line")
        await user.sees("the next line", "of 101")
        await user.press("g")
        await user.sees("line 000", "lines 1-")
        await user.sees_no("what comes is shown", "the next line")
        append(log, "one more")
        await user.sees("line 000", "of 102")
        await user.press("G")
        await user.sees("one more", "what comes is shown")
        assert all(len(line) <= size[0] for line in user.screen.splitlines())
        await user.press("q")
        await user.sees("▌ vm-01", "Activity")


async def test_a_log_that_comes_later_and_one_that_is_rotated_are_followed(log: Path) -> None:
    async with console(QUIET) as user:
        await opened(user, "l", "there is no log yet", log.name)
        append(log, "it begins")
        await user.sees("it begins")
        await user.sees_no("there is no log yet")
        os.rename(log, f"{log}.0")
        append(log, "it goes on")
        await user.sees("it begins", "it goes on")


async def test_what_is_in_a_log_acts_on_nothing(log: Path) -> None:
    append(log, "\x1b[2J\x1b]0;title\x07 [@click=app.quit]quit[/] [/x] \u202eevil")
    async with console(QUIET) as user:
        await opened(user, "l", "\\x1b[2J\\x1b]0;title\\x07 [@click=app.quit]quit[/] [/x] \\u202eevil")


async def test_of_a_long_log_it_is_said_that_the_beginning_is_missing(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, *(f"{number:06} {'x' * 100}" for number in range(3000)))
    async with console(QUIET) as user:
        await opened(user, "l", "the last 256 KiB; what is before them is not shown", "002999")
        await user.press("slash")
        await user.type("002600")
        await user.sees("/002600 1 of 1")
        await user.press("enter")
        append(log, *(f"more {'x' * 100}" for _ in range(200)))
        await user.sees("/002600 1 of 1", "002600 xxx")


async def test_of_a_simulated_domain_one_line_says_why_there_is_no_log() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await opened(user, "l", "a simulated domain has no QEMU that could log anything", "esc Close")


async def test_one_that_cannot_be_read_says_why_and_is_tried_again_on_request(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = SimulatorBackend.log_file
    append(log, "readable now")

    async def refused(backend: SimulatorBackend, domain: DomainKey) -> Path:
        raise NotPermitted(f"this user may not read {log}; root may")

    monkeypatch.setattr(SimulatorBackend, "log_file", refused)
    async with console(QUIET) as user:
        await opened(user, "l", "this user may not read", "root may")
        monkeypatch.setattr(SimulatorBackend, "log_file", usual)
        await user.press("r")
        await user.sees("readable now")
        await user.sees_no("root may")


async def test_messages_are_shown_above_the_log_and_do_not_hold_it_up(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = asyncio.Event()

    async def messages(backend: SimulatorBackend, domain: DomainKey) -> list[str]:
        await answer.wait()
        return [f"tainted: reason [/x] {number}" for number in range(9)]

    monkeypatch.setattr(SimulatorBackend, "messages", messages)
    append(log, "the log is here")
    async with console(QUIET, size=(80, 24)) as user:
        await opened(user, "l", "the log is here")
        answer.set()
        await user.sees("tainted: reason [/x] 0", "tainted: reason [/x] 4", "… 4 more lines: an export has them")
        assert user.screen.index("tainted") < user.screen.index("the log is here")


async def test_messages_are_read_again_when_the_log_has_changed(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    async def messages(backend: SimulatorBackend, domain: DomainKey) -> list[str]:
        return list(said)

    monkeypatch.setattr(SimulatorBackend, "messages", messages)
    async with console(QUIET) as user:
        await opened(user, "l", "no log yet", "the hypervisor reports nothing")
        said.append("tainted: custom-argv")
        append(log, "Domain id=1 is tainted: custom-argv")
        await user.sees(" tainted: custom-argv\n╭", "is tainted")
        await user.sees_no("the hypervisor reports nothing")


async def test_a_guest_that_an_io_error_pauses_has_a_message() -> None:
    async with console("sim:///demo", size=(160, 50)) as user:
        await user.go_to("ldap-01")
        await user.press("l")
        await user.sees("I/O error: disk='vda'", "message='No space left on device'")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_xml_is_shown_and_searched(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await opened(user, "x", "XML · vm-01", '<domain type="qemu" id="', "<name>vm-01</name>", "lines 1-")
        await user.press("slash")
        await user.type("SOURCE F")
        await user.sees("/SOURCE F 1 of ", "enter Keep")
        await user.press("enter", "n", "n")
        await user.sees("/SOURCE F 3 of ", "vm-01.base.qcow2")
        await user.press("N")
        await user.sees("/SOURCE F 2 of ")
        await user.press("N", "N")
        await user.sees("/SOURCE F 4 of 4")
        await user.press("escape")
        await user.sees_no("SOURCE F")
        await user.press("slash")
        await user.type("nowhere")
        await user.sees("no match for /nowhere")
        await user.press("escape", "escape")
        await user.sees("▌ vm-01", "Activity")


async def test_letters_that_are_typed_into_the_search_are_no_commands() -> None:
    async with console(QUIET) as user:
        await opened(user, "x", "XML · vm-01")
        await user.press("slash", "q", "y", "n", "r", "e")
        await user.sees("no match for /qynre")


async def test_without_a_search_there_is_no_next_match() -> None:
    async with console(QUIET) as user:
        await opened(user, "x", "XML · vm-01")
        await user.press("n")
        await user.sees("no match to go to: search for something first")


async def test_the_wheel_scrolls() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await opened(user, "x", "lines 1-", "<name>vm-01</name>")
        await user.scroll(10, 10, 3)
        await user.sees_no("<name>vm-01</name>", "lines 1-")


async def test_the_whole_xml_is_copied() -> None:
    async with console(QUIET) as user:
        await opened(user, "x", "XML · vm-01", "<name>")
        await user.press("y")
        await user.sees("lines")
        await user.until(lambda: user.app.clipboard.endswith("</domain>"), "the XML in the clipboard")
        assert user.app.clipboard.startswith("<domain ")


async def test_wide_lines_scroll_sideways_and_a_match_is_brought_into_sight(log: Path) -> None:
    append(log, f"begin {'x' * 200} needle {'y' * 200} end", "経" * 60 + "!")
    async with console(QUIET, size=(80, 24)) as user:
        await opened(user, "l", "begin", "…")
        await user.press("right")
        await user.sees("from column 9")
        await user.sees_no("begin")
        await user.press("left", "left")
        await user.sees("begin")
        await user.press("slash")
        await user.type("needle")
        await user.sees("needle yyy")
        await user.press("enter", *["right"] * 40)
        await user.sees("yyy end")
        assert all(len(line) <= 80 for line in user.screen.splitlines())


async def test_the_xml_of_a_domain_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = SimulatorBackend.xml

    async def hanging(backend: SimulatorBackend, domain: DomainKey) -> str:
        raise NotAnswering(f"{domain.name}: no answer within 5 s")

    monkeypatch.setattr(SimulatorBackend, "xml", hanging)
    async with console(QUIET, size=(80, 24)) as user:
        await opened(user, "x", "vm-01: no answer within 5 s", "r Read again")
        monkeypatch.setattr(SimulatorBackend, "xml", usual)
        await user.press("r")
        await user.sees("<name>vm-01</name>")
        await user.sees_no("no answer")


async def test_help_and_palette_know_it() -> None:
    async with console(QUIET) as user:
        await opened(user, "x", "XML · vm-01")
        await user.press("question_mark")
        await user.sees("Search for text", "Scroll right", "Copy the whole text", "Write what is shown to a file")
        await user.press("escape", "escape")
        await user.sees("Activity")
        await user.press("ctrl+p")
        await user.type("the log of the domain")
        await user.sees("Show the log of the domain under the cursor")


@pytest.mark.process
def test_what_few_need_is_loaded_when_it_is_needed() -> None:
    later = "tui.screens.text tui.screens.export tui.session.domain_texts tui.widgets.exports tui.screens.action_flow"
    check = f"import sys, tui.app; print(*set('{later}'.split()) & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", check], text=True) == "\n"
