"""What really reaches a terminal that has no colours, or nothing but ASCII, or sixteen colours of its own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from tests.cli.command import virt_jobs
from tests.simulator_hold import Hold
from tests.tui.terminal import Terminal, terminal
from tui.terminal import themes

ESCAPE = "\x1b"
BUSY = "sim:///busy?domains=4&jobs=2"
COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
TRUE_COLOUR = re.compile(rb"\x1b\[(?:\d+;)*[34]8;[25];[\d;]*m")


def configured(text: str) -> None:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "virt-jobs" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def walk(console: Terminal, cursor: str) -> None:
    """See every screen."""
    console.sees(f"{cursor} vm-01", "running", "%", "SIMULATED", "q Quit")
    console.type("w").sees("waiting for", "esc detaches", "esc Detach").type(ESCAPE).sees("q Quit")
    console.type("G").sees(f"{cursor} vm-04").type("d").sees("Start dump", "esc Back").type(ESCAPE).sees("q Quit")
    console.type("?").sees("Show all keys", "esc Close").type(ESCAPE).sees("q Quit")
    console.type("A").sees("esc Domains").type(ESCAPE).sees("space Mark")


@pytest.mark.terminal
def test_without_colour_nothing_is_coloured_and_the_cursor_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with Hold(BUSY), terminal("-c", BUSY, size=(80, 30)) as console:
        walk(console, "▌")
        assert COLOUR.search(console.written) is None
        assert console.is_reversed("vm-04")
        assert not console.is_reversed("vm-03")
        assert not console.is_reversed("Activity")
        console.type("A").sees("esc Domains")
        assert console.is_reversed("Activity"), "whose border has no other colour than those of the other panes"
        console.type("y").sees("sent")
        assert console.is_reversed("sent")


@pytest.mark.terminal
@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
def test_an_ansi_theme_leaves_the_colours_to_the_terminal(theme: str) -> None:
    configured(f'theme = "{theme}"')
    with Hold(BUSY), terminal("-c", BUSY) as console:
        walk(console, "▌")
        assert COLOUR.search(console.written)
        assert TRUE_COLOUR.search(console.written) is None
        assert console.is_reversed("vm-04")


@pytest.mark.terminal
def test_an_ansi_theme_without_colour_is_not_black_on_black(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    configured('theme = "ansi-dark"')
    with Hold(BUSY), terminal("-c", BUSY) as console:
        walk(console, "▌")
        assert COLOUR.search(console.written) is None


@pytest.mark.parametrize(
    "theme", [theme for theme in (*BUILTIN_THEMES.values(), *themes.OURS) if not theme.dark and not theme.ansi]
)
def test_signals_can_be_read_on_light_themes(theme: Theme) -> None:
    colours = themes.readable(theme, theme.to_color_system().generate())
    background = Color.parse(colours["background"])
    for signal in ("success", "warning", "error", "accent"):
        assert abs(background.brightness - Color.parse(colours[signal]).brightness) > 0.25, signal


@pytest.mark.terminal
def test_nothing_is_written_at_rest() -> None:
    with terminal("-c", "sim:///rest?domains=5&jobs=0") as console:
        console.sees("▌ vm-01", "q Quit", "connected")
        assert console.settles() == b""


@pytest.mark.terminal
def test_a_resize_in_mid_dump_is_followed(tmp_path: Path) -> None:
    with Hold(BUSY), terminal("-c", BUSY, size=(80, 24)) as console:
        console.sees("▌ vm-01", "%").type("w").sees("waiting for", "esc Detach")
        console.resize(160, 50).sees("Rate", "waiting for", "esc Detach")
        console.resize(60, 16).sees("waiting for", "esc Detach").type(ESCAPE).sees("space Mark")


@pytest.mark.terminal
def test_ascii_alone_can_be_asked_for() -> None:
    configured("ascii = true")
    with Hold(BUSY), terminal("-c", BUSY) as console:
        walk(console, ">")
        assert console.written.isascii()
        assert re.search(r"vm-0\d .*#[#>.]*\.+ +\d+ %", console.screen)


@pytest.mark.terminal
def test_a_locale_without_more_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    with terminal("-c", "sim:///demo") as console:
        console.sees("db-01", "q Quit", "we[ir]d [/x] ?n?code")
        assert console.written.isascii()


@pytest.mark.terminal
def test_names_keep_their_letters_where_the_terminal_has_them() -> None:
    configured("ascii = true")
    with terminal("-c", "sim:///demo", size=(120, 60)) as console:
        console.sees("db-01", "q Quit", "we[ir]d [/x] ünïcode", "経")


@pytest.mark.terminal
def test_an_old_terminal_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    with Hold(BUSY), terminal("-c", BUSY, size=(80, 24), term="xterm") as console:
        walk(console, "▌")


@pytest.mark.terminal
def test_on_the_linux_console_it_is_ascii_in_sixteen_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    with Hold(BUSY), terminal("-c", BUSY, size=(80, 24), term="linux") as console:
        walk(console, ">")
        assert console.written.isascii()
        assert COLOUR.search(console.written)
        assert TRUE_COLOUR.search(console.written) is None
        assert console.is_reversed("vm-04")


@pytest.mark.terminal
def test_on_a_vt220_it_is_ascii_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    with Hold(BUSY), terminal("-c", BUSY, size=(80, 24), term="vt220") as console:
        walk(console, ">")
        assert console.written.isascii()
        assert COLOUR.search(console.written) is None
        assert console.is_reversed("vm-04")


@pytest.mark.terminal
def test_blocks_can_be_asked_for_where_the_kind_of_terminal_speaks_against_them() -> None:
    configured("ascii = false")
    with Hold(BUSY), terminal("-c", BUSY, size=(80, 24), term="linux") as console:
        walk(console, "▌")


@pytest.mark.terminal
@pytest.mark.parametrize("mouse", [True, False])
def test_the_mouse_can_be_left_to_the_terminal(mouse: bool) -> None:
    configured(f"mouse = {str(mouse).lower()}")
    with terminal("-c", "sim:///mouse?domains=2&jobs=0") as console:
        console.sees("▌ vm-01", "q Quit").type("q")
        assert console.ends() == 0
        assert (b"\x1b[?1000h" in console.written) is mouse
        assert (b"\x1b[?1003h" in console.written) is mouse


@pytest.mark.terminal
@pytest.mark.parametrize(
    ("osc", "sequence"),
    [("9", b"\x1b]9;vm-01: dump completed - "), ("777", b"\x1b]777;notify;vm-01: dump completed;"), ("off", b"")],
)
def test_the_terminal_is_told_of_the_end_and_its_screen_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, osc: str, sequence: bytes
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    configured(f'[notifications]\nosc = "{osc}"\n')
    uri, path = "sim:///told?domains=1&jobs=0&memory=64", f"{tmp_path}/co;re"
    with Hold(uri) as hold, terminal("-c", uri) as console:
        assert virt_jobs("-c", uri, "dump", "vm-01", path, "--detach").returncode == 0
        console.sees("attached to the dump")
        hold.release()
        console.sees("attached to the dump", "✓ dump completed", "co;re")
        told = console.written.partition(b"\a")
        assert told[1], "no bell"
        if osc == "off":
            assert b"\x1b]9" not in console.written
            assert b"\x1b]777" not in console.written
        else:
            [text] = re.findall(re.escape(sequence) + rb"([^\x1b]*)\x1b\\", console.written)
            assert text.decode() == path.replace(";", ",")
        assert "vm-01" in console.screen.splitlines()[3]
