"""Ctrl-C: it ends the command, never the job, and shows no traceback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pexpect
import pytest

from backend.records.journal import Journal
from tests.cli.command import virt_jobs
from tests.contract.steps import PATIENCE
from tui.cli.exits import Exit

pytestmark = pytest.mark.process


def interrupted(*arguments: str, when: str = "") -> tuple[int, str]:
    """The exit code and all output of a command that got Ctrl-C, as a terminal sends it, once `when` was shown."""
    process = pexpect.spawn(sys.executable, ["-m", "tui", *arguments], encoding="utf-8", timeout=PATIENCE)
    process.expect_exact(when)
    process.sendintr()
    process.expect(pexpect.EOF)
    process.close()
    return process.exitstatus if process.exitstatus is not None else -process.signalstatus, process.before


@pytest.mark.binding
def test_ctrl_c_while_it_waits_for_the_hypervisor_is_no_traceback() -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        path = f"/tmp/vj-{os.getpid()}.sock"
        listening.bind(path)
        listening.listen()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "tui", "-c", f"qemu+unix:///system?socket={path}", "list"],
                stderr=subprocess.PIPE,
                text=True,
            )
            listening.settimeout(PATIENCE)
            connection, _ = listening.accept()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE)
            connection.close()
        finally:
            os.unlink(path)
    assert process.returncode == Exit.DETACHED
    assert "Traceback" not in err


@pytest.mark.terminal
@pytest.mark.usefixtures("here")
def test_ctrl_c_in_a_dump_that_is_followed_only_detaches(held: str) -> None:
    code, shown = interrupted("-c", held, "dump", "vm-01", "core", when="MiB left of")
    assert code == Exit.DETACHED
    assert "detached; the job is still running. Attach again with: virt-jobs -c" in shown
    assert "Traceback" not in shown
    code, shown = interrupted("-c", held, "wait", "vm-01", when="MiB left of")
    assert (code, "Traceback" in shown) == (Exit.DETACHED, False)
    assert [record.state for record in Journal().pending()] == ["running"]


@pytest.mark.terminal
@pytest.mark.usefixtures("here")
def test_ctrl_c_in_info_that_follows_ends_it(held: str) -> None:
    assert virt_jobs("-c", held, "dump", "vm-01", "core", "--detach").returncode == 0
    code, shown = interrupted("-c", held, "info", "vm-01", "--follow", when="Memory total")
    assert (code, "Traceback" in shown) == (Exit.DETACHED, False)


@pytest.mark.terminal
@pytest.mark.usefixtures("here")
def test_ctrl_c_ends_watch(held: str) -> None:
    assert virt_jobs("-c", held, "dump", "vm-01", "core", "--detach").returncode == 0
    code, shown = interrupted("-c", held, "watch", when="vm-01: dump ")
    assert (code, "Traceback" in shown) == (Exit.DETACHED, False)
    assert [record.state for record in Journal().pending()] == ["running"]
