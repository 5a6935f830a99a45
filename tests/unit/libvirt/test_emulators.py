"""Which processes count as the QEMU of a daemon: what any user can start, or rewrite, names no domain."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backend.libvirt.host import emulators
from backend.libvirt.host.emulators import running_domains
from backend.model import DomainKey
from tests.hypervisor.forgery import arguments_of_qemu

DB = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 5, "db-01")
WEB = DomainKey("0f7a2f9e-3b43-4d5e-8a53-6b4f6d1c2e11", 6, "web-01")
MAIN = """
import fcntl, os, sys
kind, file = sys.argv[1:3]
if kind != "none":
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT)
    fcntl.lockf(descriptor, fcntl.LOCK_EX if kind == "write" else fcntl.LOCK_SH)
print("ready", flush=True)
sys.stdin.read()
"""
SYSTEM = 0


class Emulators:
    """Processes with the arguments of a QEMU, and the folder of their pid files."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack

    def start(self, domain: DomainKey, *, lock: str = "write", file: str | None = None) -> subprocess.Popen[bytes]:
        """A process that holds such a lock on that pid file, by default the one of its domain."""
        path = self.folder / f"{file or domain.name}.pid"
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", MAIN, lock, str(path), *arguments_of_qemu(domain)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._stack.callback(self.stop, process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        path.write_text(str(process.pid))
        return process

    @staticmethod
    def stop(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.communicate()


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulators]:
    monkeypatch.setattr(emulators, "PID_FILES", tmp_path)
    # The tests' user stands for root, who owns the real pid files.
    monkeypatch.setattr(emulators, "ROOT", os.geteuid())
    with ExitStack() as stack:
        yield Emulators(tmp_path, stack)


@pytest.mark.process
def test_the_holder_of_a_pid_files_lock_is_a_domain(started: Emulators) -> None:
    started.start(DB)
    started.start(WEB)
    assert sorted(running_domains(SYSTEM), key=lambda key: key.name) == [DB, WEB]


@pytest.mark.process
@pytest.mark.parametrize("lock", ["none", "read"])
def test_a_process_without_the_lock_is_none(started: Emulators, lock: str) -> None:
    started.start(DB, lock=lock)
    assert running_domains(SYSTEM) == []


@pytest.mark.process
def test_a_pid_file_that_its_process_left_names_nobody(started: Emulators) -> None:
    started.stop(started.start(DB))
    assert (started.folder / "db-01.pid").exists()
    assert running_domains(SYSTEM) == []


@pytest.mark.process
def test_a_real_domain_is_not_shadowed_by_a_process_without_the_lock(started: Emulators) -> None:
    started.start(DB)
    started.start(DomainKey(DB.uuid, 99, "invented"), lock="none", file="other")
    assert running_domains(SYSTEM) == [DB]


@pytest.mark.process
def test_a_pid_file_of_another_user_counts_for_nothing(started: Emulators, monkeypatch: pytest.MonkeyPatch) -> None:
    started.start(DB)
    monkeypatch.setattr(emulators, "ROOT", os.geteuid() + 1)
    assert running_domains(SYSTEM) == []


@pytest.mark.process
def test_a_link_in_place_of_a_pid_file_is_not_followed(started: Emulators, tmp_path: Path) -> None:
    started.start(DB)
    (tmp_path / "db-01.pid").rename(tmp_path / "elsewhere")
    (tmp_path / "db-01.pid").symlink_to(tmp_path / "elsewhere")
    assert running_domains(SYSTEM) == []


@pytest.mark.process
def test_a_qemu_that_claims_another_name_is_left_out(started: Emulators) -> None:
    started.start(DB, file="web-01")
    assert running_domains(SYSTEM) == []


@pytest.mark.process
def test_two_that_claim_one_uuid_leave_both_unknown(started: Emulators) -> None:
    started.start(DB)
    started.start(DomainKey(DB.uuid, 7, "rogue"))
    started.start(WEB)
    assert running_domains(SYSTEM) == [WEB]


@pytest.mark.process
def test_the_domains_of_a_session_daemon_are_its_users(started: Emulators) -> None:
    user = os.geteuid() or 12345
    started.start(DB, lock="none")
    assert (DB in running_domains(user)) is (user == os.geteuid())
    assert DB not in running_domains(user + 1)
