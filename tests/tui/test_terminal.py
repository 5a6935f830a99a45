"""The whole console in a real terminal: start, filter, dump, wait, detach, quit, start again, re-attach."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backend.records.journal import Journal
from tests.simulator_hold import Hold
from tests.tui.console import ended
from tests.tui.terminal import Terminal, terminal

pytestmark = pytest.mark.terminal

ESCAPE, CTRL_S, CTRL_U, END = "\x1b", "\x13", "\x15", "\x1b[F"
LEFT_ALTERNATE_SCREEN, CURSOR_SHOWN, MOUSE_OFF = b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l"


def start_dump(console: Terminal, domain: str, path: Path) -> None:
    console.type("/").type(domain).sees(f"/{domain}", "1 of").type("\r").sees("d Dump", f"▌ {domain}")
    console.type("d").sees(f"Dump · {domain}", "free").type("\t").type(END + CTRL_U).sees("'' --format").type(
        str(path)
    ).sees(path.name)
    console.type(CTRL_S).sees(f"{domain} · waiting for dump")


def quits(console: Terminal) -> None:
    assert console.type("q").ends() == 0
    assert_usable(console)


def assert_usable(console: Terminal) -> None:
    """Whether the terminal is as it was."""
    for sequence in (LEFT_ALTERNATE_SCREEN, CURSOR_SHOWN, MOUSE_OFF):
        assert sequence in console.written


def test_the_whole_path_on_the_simulator(tmp_path: Path) -> None:
    uri, path = "sim:///path?domains=3&jobs=0&memory=64", tmp_path / "core"
    with Hold(uri) as hold:
        with terminal("-c", uri) as console:
            console.sees("vm-01", "3 domains")
            start_dump(console, "vm-02", path)
            console.sees("%", "done").type(ESCAPE).sees("detached; the dump is still running", "1 job ")
            quits(console)
        assert [record.state for record in Journal().pending()] == ["running"]
        with terminal("-c", uri) as console:
            console.sees("attached to the dump", "1 job ", "▌ vm-02").type("w").sees("vm-02 · waiting for dump", "done")
            hold.release()
            console.sees("vm-02 · waiting for dump", "✓ dump completed")
    assert path.stat().st_size == 64 * 2**20 + len("TestGuestMagic_0")


def dump_several(console: Terminal, template: str) -> None:
    console.type("d").sees("Dump · 2 domains", "Parallel dumps per host").type("\t").type(END + CTRL_U)
    console.sees("the file must be").type(template).sees(template[-20:]).type(CTRL_S)


def test_several_domains_are_dumped_and_waited_for_on_the_simulator(tmp_path: Path) -> None:
    uri = "sim:///several?domains=5&jobs=0&memory=64"
    with Hold(uri) as hold:
        with terminal("-c", uri) as console:
            console.sees("▌ vm-01").type("  ").sees("2 marked", "●vm-01", "●vm-02", "▌ vm-03")
            dump_several(console, f"{tmp_path}/{{domain}}.core")
            console.sees("Waiting · 2 domains", "2 running", "KiB/s").type(ESCAPE).sees("2 jobs", "detached")
            quits(console)
        with terminal("-c", uri) as console:
            console.sees("2 jobs", "attached to the dump", "▌ vm-01").type("  ").sees("2 marked").type("w")
            console.sees("Waiting · 2 domains", "2 running")
            hold.release()
            console.sees("Waiting · 2 domains", "vm-01 ✓ dump completed", "vm-02 ✓ dump completed", "All finished")
    assert {path.name for path in tmp_path.glob("*.core")} == {"vm-01.core", "vm-02.core"}


def test_a_killed_console_leaves_its_dump_going(tmp_path: Path) -> None:
    uri = "sim:///killed?domains=1&jobs=0&memory=64"
    with Hold(uri) as hold:
        with terminal("-c", uri) as console:
            console.sees("vm-01")
            start_dump(console, "vm-01", tmp_path / "core")
            console.sees("done").kill()
        with terminal("-c", uri) as console:
            console.sees("attached to the dump")
            hold.release()
            console.sees("attached to the dump", "✓ dump completed")


def completes(uri: str, path: Path) -> bool:
    """Whether the dump that goes on without a console ends well."""
    [record] = Journal().pending()
    return asyncio.run(ended(record)).state == "completed" and path.stat().st_size > 64 << 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_one_that_is_told_to_end_leaves_its_dump_going_and_the_terminal_usable(
    tmp_path: Path, number: signal.Signals
) -> None:
    uri, path = f"sim:///{number.name}?domains=1&jobs=0&memory=64", tmp_path / "core"
    with Hold(uri), terminal("-c", uri) as console:
        console.sees("vm-01")
        start_dump(console, "vm-01", path)
        assert console.sees("done").signal(number).ends() == 128 + number
        assert_usable(console)
    assert completes(uri, path)


def test_closing_the_terminal_ends_the_console_and_leaves_its_dump_going(tmp_path: Path) -> None:
    uri, path = "sim:///closed?domains=1&jobs=0&memory=64", tmp_path / "core"
    with Hold(uri), terminal("-c", uri) as console:
        console.sees("vm-01")
        start_dump(console, "vm-01", path)
        console.sees("done").hang_up()
    assert completes(uri, path)


def test_it_can_be_quit_while_it_connects() -> None:
    with terminal("-c", "sim:///slow?domains=2&latency=5000") as console:
        console.sees("sim:///slow", "q Quit")
        quits(console)


def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal("-c", "sim:///plain?domains=2&jobs=1", size=(80, 24)) as console:
        console.sees("▌ vm-01", "running", "%", "SIMULATED")


@contextmanager
def domains(*names: str) -> Iterator[None]:
    """Transient domains of this test's own."""
    import libvirt

    connection: Any = libvirt.open("qemu:///system")
    made: list[Any] = []
    try:
        for name in names:
            xml = (
                f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory>"
                "<os><type arch='x86_64'>hvm</type></os></domain>"
            )
            made.append(connection.createXML(xml))
        yield
    finally:
        for domain in made:
            domain.destroy()
        connection.close()


@pytest.fixture
def domain() -> Iterator[str]:
    """One under a name that is not easy."""
    name = f"con [x] ü {uuid.uuid4().hex[:6]}"
    with domains(name):
        yield name


@pytest.mark.hypervisor
def test_the_whole_path_on_libvirt(domain: str) -> None:
    from tests.hypervisor.helper import Held

    path = Path(f"/var/tmp/{uuid.uuid4().hex}.core")
    try:
        with Held(path) as held:
            with terminal("-c", "qemu:///system") as console:
                console.sees(domain)
                start_dump(console, domain, path)
                console.sees("done").type(ESCAPE).sees("detached; the dump is still running")
                quits(console)
            with terminal("-c", "qemu:///system") as console:
                console.sees("attached to the dump", domain).type("/").type(domain).sees("1 of").type("\rw")
                console.sees("waiting for dump", "done")
                held.release()
                console.sees("✓ dump completed", "the dump call's own result", "esc Close").type(ESCAPE)
                quits(console.sees("esc Show all"))
        assert path.read_bytes()[:4] == b"\x7fELF"
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.hypervisor
def test_several_domains_are_dumped_on_libvirt() -> None:
    mine = uuid.uuid4().hex[:6]
    names = [f"con-{mine}-{n}" for n in (1, 2)]
    files = [Path(f"/var/tmp/{name}.elf") for name in names]
    try:
        with domains(*names), terminal("-c", "qemu:///system") as console:
            console.sees(names[1]).type("/").sees("Keep").type(mine).sees("2 of").type("\r").sees("space Mark").type(
                "  "
            )
            console.sees("2 marked")
            dump_several(console, "/var/tmp/{domain}.{format}")
            console.sees("Waiting · 2 domains").sees("2 completed", "All finished").type(ESCAPE).sees("space Mark")
            quits(console)
        assert [path.read_bytes()[:4] for path in files] == [b"\x7fELF"] * 2
    finally:
        for path in files:
            path.unlink(missing_ok=True)
