"""The witness of a host: what it remembers of jobs that nobody else looked at."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.model import BlockOperation, DomainKey, JobOperation, Operation
from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry
from backend.records.history import HostHistory, Query
from backend.records.host import HOST_FOLDER
from tests.eventually import eventually
from tests.hypervisor import block_jobs
from tests.hypervisor.disk import small_disk
from tests.hypervisor.helper import Held
from tests.hypervisor.operations import Host, ended

pytestmark = pytest.mark.hypervisor

MIB = 64
PATIENCE = 60.0


@dataclass
class Witness:
    """A witness of some hosts, as a process."""

    uris: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it watches all of them."""
        known = self.logged().count(": connected to ")
        self.launch()
        eventually(lambda: self.logged().count(": connected to ") == known + len(self.uris))

    def launch(self) -> None:
        """Start it."""
        hosts = [part for uri in self.uris for part in ("-c", uri)]
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "tui", *hosts, "witness"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal; how it ends."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def logged(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOST_FOLDER, str(tmp_path / "host"))
    return tmp_path / "host"


@contextlib.contextmanager
def running(folder: Path, *uris: str) -> Iterator[Witness]:
    witness = Witness(list(uris), folder.with_suffix(".log"))
    witness.start()
    try:
        yield witness
    finally:
        if witness.process is not None:
            assert witness.end() == 0, witness.logged()


@pytest.fixture
def witness(here: Host, folder: Path) -> Iterator[Witness]:
    with running(folder, here.uri) as witness:
        yield witness


def remembered(operation: Operation, uuid: str) -> JobEntry:
    """The only such job of the domain, once its end is known."""

    def jobs() -> list[JobEntry]:
        return HostHistory().jobs(Query(name=uuid, operation=operation))

    eventually(lambda: bool(jobs()) and all(job.over for job in jobs()), PATIENCE)
    assert len(jobs()) == 1, [(e.began, e.ended, e.domain_id, e.exact, e.verdict, e.evidence, e.detail) for e in jobs()]
    [job] = jobs()
    return job


FORMATS = {
    "elf": ["--memory-only"],
    "kdump-zlib": ["--memory-only", "--format", "kdump-zlib"],
    "raw": [],
}


@pytest.mark.usefixtures("witness")
@pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)
async def test_a_dump_that_nobody_looked_at(here: Host, options: list[str]) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    path = here.folder / "core"
    assert await ended(here.virsh("dump", domain.uuid, path, *options)) == ""
    job = remembered(JobOperation.DUMP, domain.uuid)
    assert (job.verdict, job.evidence, job.path) == (Verdict.COMPLETED, Evidence.FILE, str(path)), job
    assert job.observer.endswith("(witness)")


@pytest.mark.usefixtures("witness")
@pytest.mark.parametrize("managed", [False, True], ids=["save", "managedsave"])
async def test_a_save(here: Host, managed: bool) -> None:
    domain = here.machines.boot(here.machines.define("vm", MIB))
    command = ["managedsave", domain.uuid] if managed else ["save", domain.uuid, str(here.folder / "saved")]
    assert await ended(here.virsh(*command)) == ""
    job = remembered(JobOperation.SAVE, domain.uuid)
    assert (job.verdict, job.evidence) == (Verdict.COMPLETED, Evidence.LIFECYCLE), job


@pytest.mark.usefixtures("witness")
async def test_a_copy_with_pivot(here: Host) -> None:
    disk = block_jobs.layered_disk(here.folder, 8)
    domain = here.machines.start("vm", disk=disk)
    target = block_jobs.target(here.folder)
    command = ["blockcopy", domain.uuid, "vda", target, "--transient-job", "--wait", "--pivot"]
    assert await ended(here.virsh(*command)) == ""
    job = remembered(BlockOperation.COPY, domain.uuid)
    assert (job.verdict, job.disk) == (Verdict.COMPLETED, "vda"), job


@pytest.mark.usefixtures("witness")
async def test_a_push_backup(here: Host) -> None:
    domain = here.machines.start("vm", disk=here.disk(64, 8))
    description = here.folder / "backup.xml"
    description.write_text(
        "<domainbackup mode='push'><disks><disk name='vda' type='file'>"
        f"<target file='{here.folder / 'backup'}'/><driver type='qcow2'/></disk></disks></domainbackup>"
    )
    assert await ended(here.virsh("backup-begin", domain.uuid, description)) == ""
    job = remembered(JobOperation.BACKUP, domain.uuid)
    assert (job.verdict, job.evidence) == (Verdict.COMPLETED, Evidence.JOB_EVENT), job


async def test_a_migration(here: Host, there: Host, folder: Path) -> None:
    with running(folder, here.uri, there.uri):
        domain = here.machines.start("vm", MIB, filled=True)
        command = ["migrate", domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"]
        assert await ended(here.virsh(*command)) == ""
        out = remembered(JobOperation.MIGRATION_OUT, domain.uuid)
        arrived = remembered(JobOperation.MIGRATION_IN, domain.uuid)
    assert (out.verdict, out.uri) == (Verdict.COMPLETED, here.uri), out
    assert (arrived.verdict, arrived.uri) == (Verdict.COMPLETED, there.uri), arrived


# What happens to the witness, or around it, while a dump goes on that makes no headway.


@contextlib.contextmanager
def held_dump(here: Host) -> Iterator[tuple[DomainKey, Path, Held]]:
    """Somebody else's dump, which the witness has seen begin, and whose file it holds: domain, file, and its hold."""
    domain = here.machines.start("vm", MIB, filled=True)
    path = here.folder / "core"
    with Held(path) as held:
        here.virsh("dump", domain.uuid, path, "--memory-only")
        held.until_stopped()
        eventually(lambda: bool(open_jobs(domain.uuid)), PATIENCE)
        yield domain, path, held


def open_jobs(uuid: str) -> list[JobEntry]:
    return [job for job in HostHistory().jobs(Query(name=uuid)) if not job.over]


def test_one_that_is_killed_and_comes_back_follows_the_job_further(here: Host, witness: Witness) -> None:
    with held_dump(here) as (domain, path, held):
        [before] = open_jobs(domain.uuid)
        witness.end(signal.SIGKILL)
        witness.start()
        eventually(lambda: any(job.pid == witness.pid for job in open_jobs(domain.uuid)))
        held.release()
        job = remembered(JobOperation.DUMP, domain.uuid)
    assert (job.id, job.verdict, job.evidence, job.path) == (before.id, Verdict.COMPLETED, Evidence.FILE, str(path))


def test_of_what_ended_while_it_was_away_nothing_is_claimed(here: Host, witness: Witness) -> None:
    with held_dump(here) as (domain, _, held):
        witness.end(signal.SIGKILL)
        held.release()
        eventually(lambda: not here.machines.has_job(domain))
    witness.start()
    job = remembered(JobOperation.DUMP, domain.uuid)
    assert (job.verdict, job.evidence) == (Verdict.UNPROVEN, Evidence.NONE)
    assert job.detail == "Its observer was not there when it ended."


def test_a_domain_that_is_gone_keeps_its_jobs(here: Host, witness: Witness) -> None:
    with held_dump(here) as (domain, _, held):
        witness.end()
        here.machines.destroy(domain)
        held.release()
    witness.start()
    assert remembered(JobOperation.DUMP, domain.uuid).verdict is Verdict.UNPROVEN


def test_what_finds_a_full_disk_is_stored_once_there_is_room(here: Host, folder: Path) -> None:
    with small_disk(folder, 1), running(folder, here.uri) as witness:
        filler = folder / "filler"
        with held_dump(here) as (domain, _, held):
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(b"0" * 4096):
                    pass
            held.release()
            eventually(lambda: "is not stored yet: cannot use the host's history" in witness.logged())
        filler.unlink()
        assert remembered(JobOperation.DUMP, domain.uuid).verdict is Verdict.COMPLETED
        assert witness.logged().count("its disk is full") == 1
        assert witness.logged().count("the history can be written again") == 1
        witness.end()


def is_connected_again(here: Host, witness: Witness) -> bool:
    if not here.daemon.alive:  # QEMU's report of a dump's end brings a libvirt 9 down that has just come back.
        here.daemon.start()
    return witness.logged().count(": connected to ") >= 2


def test_it_outlives_the_daemon_and_the_job_that_went_on_meanwhile(here: Host, witness: Witness) -> None:
    with held_dump(here) as (domain, path, held):
        here.daemon.kill()
        eventually(lambda: "lost the connection to" in witness.logged())
        held.release()
        here.daemon.start()
        job = remembered(JobOperation.DUMP, domain.uuid)
    assert (job.verdict, job.evidence, job.path) == (Verdict.COMPLETED, Evidence.FILE, str(path)), job
    eventually(lambda: is_connected_again(here, witness))
    assert here.virsh("save", domain.uuid, here.folder / "saved").wait(PATIENCE) == 0
    assert remembered(JobOperation.SAVE, domain.uuid).verdict is Verdict.COMPLETED


def test_it_waits_for_a_daemon_that_is_not_there(here: Host, folder: Path) -> None:
    here.daemon.kill()
    witness = Witness([here.uri], folder.with_suffix(".log"))
    witness.launch()
    try:
        eventually(lambda: "Connection refused" in witness.logged() or "No such file" in witness.logged())
        here.daemon.start()
        eventually(lambda: ": connected to " in witness.logged())
    finally:
        assert witness.end() == 0
