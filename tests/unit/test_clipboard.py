"""Where a copied text goes, and what is said of it."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.terminal import clipboard
from tui.terminal.clipboard import CHUNK, SHOWN, Clipboard, Delivery, brief, news, sequence
from tui.words.cells import width

ACCEPTS = "cat > {folder}/loaded; echo $* > {folder}/arguments"
OLD = 'case "$*" in *-w*) cat > {folder}/refused; exit 1;; esac; ' + ACCEPTS
"""A tmux before 3.2."""
FAILS = "exit 1"
HANGS = "sleep 1000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the programs of a test are."""
    (tmp_path / "bin").mkdir()
    return tmp_path


def environment(folder: Path, script: str | None, **values: str) -> Mapping[str, str]:
    """That of a console in a tmux, which does what the script says; None: there is no such program."""
    if script is not None:
        program = folder / "bin" / "tmux"
        program.write_text(f"#!/bin/sh\n{script.format(folder=folder)}\n")
        program.chmod(0o755)
    path = str(folder / "bin") if script is None else f"{folder / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "TERM": "tmux-256color", "TMUX": "/tmp/tmux-0/default,1,0"} | values


async def put(text: str, environment: Mapping[str, str]) -> tuple[Delivery, str]:
    """Where it went, and what was sent to the terminal."""
    written: list[str] = []
    delivery = await Clipboard(environment, written.append).put(text)
    return delivery, "".join(written)


@pytest.mark.process
async def test_tmux_gets_it_and_passes_it_on(folder: Path) -> None:
    assert await put("vm-01\nü", environment(folder, ACCEPTS)) == (Delivery.TMUX, "")
    assert (folder / "loaded").read_text() == "vm-01\nü"
    assert (folder / "arguments").read_text() == "load-buffer -w -\n"


@pytest.mark.process
async def test_an_old_tmux_gets_it_too(folder: Path) -> None:
    assert await put("vm-01", environment(folder, OLD)) == (Delivery.TMUX, "")
    assert (folder / "loaded").read_text() == "vm-01"


@pytest.mark.process
@pytest.mark.parametrize("script", [FAILS, None, HANGS], ids=["fails", "missing", "hangs"])
async def test_a_tmux_that_does_not_take_it_is_not_said_to_have_it(
    folder: Path, script: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "DEADLINE", 0.5)
    began = time.monotonic()
    assert await put("vm-01", environment(folder, script)) == (Delivery.TERMINAL, sequence("vm-01", False))
    assert time.monotonic() - began < 10


@pytest.mark.process
async def test_what_was_copied_last_is_there_in_the_end(folder: Path) -> None:
    written: list[str] = []
    texts = Clipboard(environment(folder, "cat >> {folder}/loaded"), written.append)
    for text in "abc":
        assert await texts.put(text) is Delivery.TMUX
    assert (folder / "loaded").read_text() == "abc"


async def test_a_terminal_gets_it_encoded() -> None:
    assert await put("vm-01", {"TERM": "xterm"}) == (Delivery.TERMINAL, "\x1b]52;c;dm0tMDE=\a")


@pytest.mark.parametrize("term", ["linux", "dumb", "vt100", "vt220", "linux-16color", "unknown"])
async def test_a_terminal_without_clipboard_gets_nothing(term: str) -> None:
    assert await put("vm-01", {"TERM": term}) == (Delivery.NOWHERE, "")
    assert await put("vm-01", {}) == (Delivery.NOWHERE, "")


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3000))
def test_gnu_screen_gets_it_in_chunks_that_make_up_the_whole(text: str) -> None:
    sent = sequence(text, True)
    chunks = re.findall("\x1bP(.*?)\x1b\\\\", sent, re.DOTALL)
    assert "".join(f"\x1bP{chunk}\x1b\\" for chunk in chunks) == sent
    assert max(map(len, chunks)) <= CHUNK
    encoded = "".join(chunks).removeprefix("\x1b]52;c;").removesuffix("\a")
    assert base64.b64decode(encoded).decode() == text


async def test_it_is_wrapped_where_gnu_screen_is() -> None:
    assert await put("vm-01", {"TERM": "screen", "STY": "1.pts"}) == (Delivery.TERMINAL, sequence("vm-01", True))


@pytest.mark.parametrize(
    ("delivery", "text", "what", "said"),
    [
        (Delivery.TMUX, "vm-01", '"vm-01"', 'copied "vm-01" to tmux'),
        (Delivery.TERMINAL, "vm-01", '"vm-01"', 'sent "vm-01" to the terminal'),
        (Delivery.TERMINAL, "/var/core", "the dump path", "sent the dump path to the terminal: /var/core"),
        (Delivery.NOWHERE, "/var/core", "the path", "this terminal has no clipboard for the path: /var/core"),
        (Delivery.TERMINAL, "a\nb\nc", "3 names", "sent 3 names to the terminal: a … (3 lines)"),
    ],
)
def test_what_is_said(delivery: Delivery, text: str, what: str, said: str) -> None:
    assert news(delivery, text, what) == said


@given(st.text(st.characters(exclude_categories=["C"]), max_size=300))
def test_a_long_text_is_shortened_in_the_middle(text: str) -> None:
    assert width(brief(text)) <= SHOWN
    if width(text) <= SHOWN:
        assert brief(text) == text


def test_the_end_of_a_path_is_kept() -> None:
    shown = brief("/var/lib/" + "x" * 200 + "/vm-01.elf")
    assert shown.startswith("/var/lib/") and shown.endswith("x/vm-01.elf") and "…" in shown
