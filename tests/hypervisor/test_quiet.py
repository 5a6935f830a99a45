"""Whatever happens, nothing but our own words gets to the terminal, and the process ends when it is done."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.hypervisor.daemon import SYSTEM, Fifo, Machines, unique, virsh_dump

pytestmark = pytest.mark.hypervisor

SCRIPT = """
import asyncio, sys
from backend import BackendError, open_backend

async def main():
    try:
        async with open_backend(sys.argv[1]) as backend:
            for domain in await backend.domains():
                await backend.jobs([domain.key])
            await backend.find("no such domain")
    except BackendError as error:
        print(type(error).__name__)

asyncio.run(main())
"""


def run(uri: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", SCRIPT, uri]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_errors_are_raised_and_not_printed() -> None:
    done = run(SYSTEM)
    assert (done.returncode, done.stdout, done.stderr) == (0, "NoSuchDomain\n", "")


def test_a_refused_connection_prints_nothing(tmp_path: Path) -> None:
    done = run(f"qemu+unix:///system?socket={tmp_path}/none")
    assert (done.returncode, done.stdout, done.stderr) == (0, "NoConnection\n", "")


def test_a_hung_call_does_not_keep_the_process(machines: Machines, fifo: Fifo) -> None:
    domain = machines.start(unique("hung"))
    dump = virsh_dump(SYSTEM, domain, fifo.path, "--memory-only")
    try:
        # Whether the dump hangs by then or not: the process ends, in silence.
        begun = time.monotonic()
        done = run(SYSTEM)
        assert (done.returncode, done.stderr) == (0, "")
        assert time.monotonic() - begun < 20
    finally:
        fifo.release()
        dump.wait()
