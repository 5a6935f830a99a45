"""Which command lines ask for a job, and whose they are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from backend.libvirt.host import origin
from backend.libvirt.host.origin import client_of, requested
from backend.model import BlockOperation, DomainKey, JobOperation

DB = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 5, "db-01")
DUMP = JobOperation.DUMP


@pytest.mark.parametrize(
    "line",
    [
        "virsh dump db-01 /file",
        "virsh -c qemu:///system dump --memory-only db-01 /file --format elf",
        "virsh dump 5 /file",
        f"virsh dump {DB.uuid} /file",
        "virsh dump --file /file --domain db-01",
        "virsh dump --domain=db-01 --file=/file",
    ],
)
def test_a_command_line_with_the_command_and_the_domain_asks_for_the_job(line: str) -> None:
    assert requested(line.split(), DB, DUMP, None) == ("dump", "")


@pytest.mark.parametrize(
    "line", ["virsh dump db-02 /file", "virsh dumpxml db-01", "virsh save db-01 /file", "virsh", "dump db-01 /file", ""]
)
def test_any_other_does_not(line: str) -> None:
    assert requested(line.split(), DB, DUMP, None) is None


def test_a_migration_names_its_peer() -> None:
    line = "virsh migrate --live db-01 qemu+ssh://hv2/system --verbose"
    assert requested(line.split(), DB, JobOperation.MIGRATION_OUT, None) == ("migrate", "qemu+ssh://hv2/system")


def test_the_job_of_a_disk_needs_its_disk() -> None:
    line = "virsh blockcopy db-01 vdb /copy --wait"
    assert requested(line.split(), DB, BlockOperation.COPY, "vda") is None
    assert requested(line.split(), DB, BlockOperation.COPY, "vdb") == ("blockcopy", "")


@pytest.mark.process
def test_a_program_counts_if_the_kernel_says_that_it_is_virsh(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = ["virsh", "-I", "-S", "-c", "print(flush=True); input()", "dump", "db-01", "/file"]
    python, pipe = sys.executable, subprocess.PIPE
    with subprocess.Popen(waiting, executable=python, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert client_of(DB, DUMP, None) is None
        monkeypatch.setattr(origin, "executable", lambda _: "virsh")
        client = client_of(DB, DUMP, None)
        process.communicate(b"\n")
    assert client is not None
    assert client.label == f"virsh dump (pid {process.pid}, {_user()})"


def _user() -> str:
    return subprocess.run(["id", "-un", str(os.geteuid())], capture_output=True, text=True, check=True).stdout.strip()
