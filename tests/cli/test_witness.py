"""The witness as a process: what it tells its service manager, who may run it, and who may read what it keeps."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.errors import JournalError
from backend.model import JobOperation
from backend.outcome import Verdict
from backend.records.history import History, HostHistory
from backend.records.host import HOST_FOLDER, claim_folder, read_claim
from tests.cli.command import virt_jobs, virt_jobs_process
from tests.eventually import eventually
from tests.simulator_hold import Hold
from tests.unit.test_history import ended, entry
from tui.cli.exits import Exit

pytestmark = pytest.mark.process

URI = "sim:///witness?domains=2&jobs=0&memory=1"
PATIENCE = 60.0
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOST_FOLDER, str(tmp_path / "host"))
    return tmp_path / "host"


class Manager:
    """A service manager that listens to one service, at a path or in the abstract namespace."""

    def __init__(self, folder: Path, abstract: bool) -> None:
        address = f"\0virt-jobs-{os.getpid()}" if abstract else str(folder / "notify")
        self.address = address.replace("\0", "@")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(PATIENCE)

    def close(self) -> None:
        self._socket.close()

    def until(self, text: str) -> str:
        """The first message with that text."""
        while text not in (message := self._socket.recv(4096).decode()):
            pass
        return message


@dataclass
class Running:
    process: subprocess.Popen[str]
    manager: Manager

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and what it has logged."""
        self.process.send_signal(number)
        _, logged = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, logged


@contextlib.contextmanager
def witness(tmp_path: Path, *, abstract: bool = False, env: dict[str, str] | None = None) -> Iterator[Running]:
    """A witness that is ready."""
    with closing(Manager(tmp_path, abstract)) as manager:
        process = subprocess.Popen(
            [sys.executable, "-m", "tui", "-c", URI, "witness"],
            env={**os.environ, "NOTIFY_SOCKET": manager.address, **(env or {})},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            manager.until("READY=1")
            yield Running(process, manager)
        finally:
            process.kill()
            process.communicate()
            (tmp_path / "notify").unlink(missing_ok=True)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("abstract", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_its_manager_is_told_how_it_is(tmp_path: Path, abstract: bool, number: signal.Signals) -> None:
    with witness(tmp_path, abstract=abstract, env={"WATCHDOG_USEC": "200000"}) as running:
        for _ in range(3):
            running.manager.until("WATCHDOG=1")
        assert running.end(number)[0] == 0
        running.manager.until("STOPPING=1")


@pytest.mark.usefixtures("folder")
def test_its_log_is_for_whoever_reads_it(tmp_path: Path) -> None:
    with witness(tmp_path, env={"JOURNAL_STREAM": "1:2"}) as running:
        assert running.end() == (0, f"<6>{URI}: connected to simulator\n")
    with witness(tmp_path) as running:
        assert running.end() == (0, f"virt-jobs: {URI}: connected to simulator\n")
    assert not list(tmp_path.rglob("virt-jobs.log"))


@pytest.mark.usefixtures("folder")
def test_a_job_is_remembered_and_others_are_told_of_it(tmp_path: Path) -> None:
    with witness(tmp_path) as running:
        with Hold(URI, tmp_path / "core") as hold:
            dump = subprocess.Popen([sys.executable, "-m", "tui", "-c", URI, "dump", "1", str(tmp_path / "core")])
            running.manager.until("STATUS=1 job followed")
            hold.release()
            assert dump.wait(PATIENCE) == 0
        eventually(lambda: all(job.over for job in HostHistory().jobs()))
        [job] = HostHistory().jobs()
    assert (job.operation, job.verdict, job.uri) == (JobOperation.DUMP, Verdict.COMPLETED, URI)


def test_a_host_has_one_witness(tmp_path: Path, folder: Path) -> None:
    with witness(tmp_path) as running:
        told = virt_jobs_process("-c", URI, "witness")
        assert (told.returncode, told.stderr.splitlines()) == (
            Exit.FAILED,
            [
                f"virt-jobs: another witness (pid {running.process.pid}) keeps the history in {folder}; "
                "one is enough for a host"
            ],
        )
        running.end(signal.SIGKILL)
    with witness(tmp_path):  # What the one before has left keeps nobody out.
        pass


def test_a_newer_history_is_left_alone(folder: Path) -> None:
    os.close(claim_folder("1.0", ()))
    History.of_host().jobs()
    with closing(sqlite3.connect(folder / "history.db")) as db, db:
        db.execute("PRAGMA user_version = 99")
    told = virt_jobs_process("-c", URI, "witness")
    assert told.returncode == Exit.USAGE
    [line] = told.stderr.splitlines()
    assert "it was written by a newer virt-jobs" in line


def test_a_place_that_is_no_folder(folder: Path) -> None:
    folder.write_text("")
    told = virt_jobs_process("-c", URI, "witness")
    assert told.returncode == Exit.FAILED
    assert told.stderr.startswith(f"virt-jobs: cannot use the host's folder {folder}: ")
    assert len(told.stderr.splitlines()) == 1


def test_a_uri_that_is_none(folder: Path) -> None:
    told = virt_jobs_process("-c", "qemu://[", "witness")
    assert (told.returncode, len(told.stderr.splitlines())) == (Exit.USAGE, 1)
    assert not folder.exists()


def test_a_damaged_history_is_put_aside(tmp_path: Path, folder: Path) -> None:
    os.close(claim_folder("1.0", ()))
    (folder / "history.db").write_bytes(b"no database" * 1000)
    with witness(tmp_path) as running:
        code, logged = running.end()
    assert code == 0
    assert "was damaged: it is kept as" in logged
    assert HostHistory().jobs() == []


@pytest.fixture
def group(folder: Path) -> int:
    """The id of the group that may read, once the folder is made."""
    if os.geteuid():
        pytest.skip("needs root")
    os.close(claim_folder("1.0", ()))
    group = folder.stat().st_gid
    if group == 0:
        pytest.skip("there is no group libvirt")
    return group


def read_as(groups: list[int], *, folder: Path) -> str:
    """What somebody of these groups reads, or why not."""
    for place in (folder, *folder.parents):
        if place.stat().st_uid == 0 and not place.stat().st_mode & 0o001 and place != folder:
            place.chmod(place.stat().st_mode | 0o011)  # What the tests make is for root alone.
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        os.setgroups(groups)
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            text = f"{len(HostHistory().jobs())} jobs"
        except JournalError as error:
            text = error.message
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with open(reader) as told:
        return told.read()


def test_the_group_may_read_and_others_may_not(group: int, folder: Path) -> None:
    history = History.of_host()
    history.keep(ended(entry()))
    assert (folder / "history.db").stat().st_mode & 0o777 == 0o640
    assert read_as([group], folder=folder) == "1 jobs"
    assert "Permission denied (is this user in group libvirt?)" in read_as([], folder=folder)


def test_who_reads_what_a_killed_writer_left_is_told_and_the_next_writer_repairs_it(group: int, folder: Path) -> None:
    history = History.of_host()
    history.keep(ended(entry(domain="x" * 2000)))
    with closing(sqlite3.connect(history.path)) as db, db:
        db.execute("CREATE TABLE large AS SELECT * FROM jobs")
        for number in range(299):
            db.execute("UPDATE large SET id = ?", (f"copy {number}",))
            db.execute("INSERT INTO jobs SELECT * FROM large")
    if (pid := os.fork()) == 0:
        db = sqlite3.connect(history.path)
        db.execute("PRAGMA cache_size = 2")  # So that half of it is in the file by now.
        db.execute("UPDATE jobs SET verdict = 'failed', domain = 'y' || domain")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert (folder / "history.db-journal").exists()
    assert "a write to it was interrupted; its writer repairs that" in read_as([group], folder=folder)
    assert {job.verdict for job in History.of_host().jobs()} == {Verdict.COMPLETED}
    assert read_as([group], folder=folder) == "300 jobs"


def doctor(folder: Path) -> str:
    """What doctor says of the witness."""
    [line] = [line for line in virt_jobs("-c", URI, "doctor").stdout.splitlines() if " witness " in line]
    return " ".join(line.split())


def test_doctor_says_whether_there_is_a_witness(tmp_path: Path, folder: Path) -> None:
    assert doctor(folder).startswith("note witness none on this host: how a job ended is lost if nobody watched it;")
    with witness(tmp_path):
        claim = read_claim()
        assert claim is not None
        assert doctor(folder).startswith("ok witness running since 2")
        assert doctor(folder).endswith(f"version {claim.version}; remembers 0 jobs") or os.geteuid()
    assert doctor(folder) == "note witness not running; remembers 0 jobs; to start it, as root: virt-jobs witness"
