"""Several hosts of which some are not there: the others feel nothing, and nobody is asked anything."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import virt_jobs
from tests.hypervisor.daemon import PrivateDaemon
from tests.tui.console import console
from tests.tui.terminal import terminal

pytestmark = pytest.mark.hypervisor

GOOD = "sim:///good?domains=2&jobs=0"
GONE = "qemu+unix:///system?socket=/nonexistent"


@pytest.fixture
def silent() -> Iterator[str]:
    """A host that takes connections of ssh, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"qemu+ssh://root@127.0.0.1:{server.getsockname()[1]}/system"


@pytest.fixture
def stopped(daemon: PrivateDaemon) -> Iterator[str]:
    """A daemon that stands still."""
    daemon.signal(signal.SIGSTOP)
    yield daemon.uri
    daemon.signal(signal.SIGCONT)


def test_hosts_that_do_not_answer_delay_no_other(silent: str, stopped: str) -> None:
    options = [word for uri in (silent, stopped, GONE, GOOD) for word in ("-c", uri)]
    command = [sys.executable, "-m", "tui", *options, "list", "--json"]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline())["uri"] for _ in range(2)]
        soon = time.monotonic() - started
        out, errors = process.communicate(timeout=30)
    assert (first, out, process.returncode) == ([GOOD, GOOD], "", 7)
    assert sorted(uri for uri in (silent, stopped, GONE) if uri in errors) == sorted((silent, stopped, GONE))
    assert errors.count("\n") == 3
    assert soon < time.monotonic() - started - 2


async def test_the_console_shows_the_others_at_once(silent: str, stopped: str) -> None:
    async with console(silent, stopped, GONE, GOOD, size=(80, 24)) as user:
        await user.sees("vm-01", "vm-02", "4 hosts  1 ●  2 ◌  1 ✗")
        await user.press("H")
        await user.sees("◌ connecting", "✗ no connection", "● connected")


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """A program in the place of ssh, that keeps how it was called in ``called`` beside it, and fails."""
    path = tmp_path / "ssh"
    path.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/called\nexit 255\n')
    path.chmod(0o755)
    return path


def test_ssh_is_told_to_ask_nothing_on_the_consoles_terminal(ssh: Path) -> None:
    uri = f"qemu+ssh://root@hv.invalid/system?command={ssh}"
    with terminal("-c", uri, "-c", GOOD) as console:
        console.sees("vm-02", "✗ hv: no connection: ", "next try in").type("q")
        assert console.ends() == 0
    assert "BatchMode=yes" in ssh.with_name("called").read_text()


async def test_nor_does_it_ask_for_a_host_that_is_added_by_an_alias_of_libvirt(
    ssh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = ssh.with_name("libvirt.conf")
    conf.write_text(f'uri_aliases = ["lab=qemu+ssh://root@hv.invalid/system?command={ssh}"]\n')
    monkeypatch.setattr("backend.libvirt.connection.conf.path", lambda: str(conf))  # That of root is everybody's.
    async with console(GOOD) as user:
        await user.sees("vm-02")
        await user.press("H", "plus")
        await user.type("lab")
        await user.press("enter")
        await user.sees("Hosts · 2", "✗ no connection")
    assert "BatchMode=yes" in ssh.with_name("called").read_text()


def test_a_name_is_looked_for_on_every_host_that_answers(stopped: str) -> None:
    ended = virt_jobs("-c", stopped, "-c", GOOD, "info", "vm-01")
    assert (ended.returncode, ended.stdout[:9], ended.stderr.count("\n")) == (0, "Job type:", 1)
    assert stopped in ended.stderr
