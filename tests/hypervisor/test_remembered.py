"""What everyone on a host learns of jobs that only its witness saw: each was over before anybody asked."""

from __future__ import annotations

import asyncio
import grp
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.model import DomainKey, JobOperation
from backend.outcome import Verdict
from backend.records.history import HostHistory
from tests.eventually import eventually
from tests.hypervisor import block_jobs
from tests.hypervisor.daemon import NOBODY, Machines
from tests.hypervisor.operations import Host
from tests.hypervisor.test_witness import FORMATS, PATIENCE, running
from tests.hypervisor.tls import TlsDaemon

pytestmark = pytest.mark.hypervisor

MIB = 64
ON_THE_HOST = ["this user", "read-only", "another user"]
AFAR = "remote"


@pytest.fixture
def files() -> Iterator[Path]:
    """A folder to which every user can write."""
    with tempfile.TemporaryDirectory(prefix="vj-files-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


@pytest.fixture
def host(files: Path) -> Iterator[Host]:
    """One that is reached from elsewhere, too."""
    folder = Path(tempfile.mkdtemp(prefix="vj-"))
    daemon = TlsDaemon(folder)
    daemon.start()
    with Machines(daemon.uri) as machines:
        yield Host(daemon, machines, files)
    daemon.stop()
    shutil.rmtree(folder, ignore_errors=True)


def done(host: Host, *arguments: str | Path) -> None:
    """Somebody's virsh does it, to the end."""
    virsh = host.virsh(*arguments)
    _, error = virsh.communicate(timeout=PATIENCE)
    assert virsh.returncode == 0, error


def dumped(host: Host, domain: DomainKey, options: list[str]) -> str:
    done(host, "dump", domain.uuid, host.folder / f"core of {domain.name}", *options)
    return "dump"


def saved(host: Host, domain: DomainKey) -> str:
    done(host, "save", domain.uuid, host.folder / "saved")
    return "save"


def managed(host: Host, domain: DomainKey) -> str:
    done(host, "managedsave", domain.uuid)
    return "save"


def copied(host: Host, domain: DomainKey) -> str:
    target = block_jobs.target(host.folder)
    done(host, "blockcopy", domain.uuid, "vda", target, "--transient-job", "--wait", "--pivot")
    return "block copy"


def backed_up(host: Host, domain: DomainKey) -> str:
    description = host.folder / "backup.xml"
    description.write_text(
        "<domainbackup mode='push'><disks><disk name='vda' type='file'>"
        f"<target file='{host.folder / 'backup'}'/><driver type='qcow2'/></disk></disks></domainbackup>"
    )
    done(host, "backup-begin", domain.uuid, description)
    eventually(lambda: not host.machines.has_job(domain))
    return "backup"


def migrated(host: Host, domain: DomainKey, to: Host) -> str:
    done(host, "migrate", domain.uuid, to.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1")
    return JobOperation.MIGRATION_OUT.label


def asked(reader: str, host: Host, *arguments: str) -> list[dict[str, Any]]:
    """What a command of that reader's prints as JSON Lines."""
    assert isinstance(host.daemon, TlsDaemon)
    uri = host.daemon.remote_uri if reader == AFAR else host.uri
    environment = dict(os.environ)
    user: list[str] = []
    if reader == "another user":
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", f"--groups={grp.getgrnam('libvirt').gr_gid}"]
    if reader == AFAR:  # Another machine has no history of this host.
        environment["VIRT_JOBS_HOST_FOLDER"] = str(host.folder / "none")
    environment |= {name: str(host.folder / reader) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    command = [*user, sys.executable, "-m", "tui", *["--readonly"] * (reader == "read-only"), "-c", uri, *arguments]
    found = subprocess.run(
        command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    assert found.returncode == 0, (reader, arguments, found.stderr)
    return [json.loads(line) for line in found.stdout.splitlines()]


async def test_everyone_learns_how_it_ended(
    host: Host, there: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = host.folder / "host"
    monkeypatch.setenv("VIRT_JOBS_HOST_FOLDER", str(place))
    disk = block_jobs.layered_disk(host.folder, 8)
    other_disk = host.disk(64, 8)
    machines = host.machines
    jobs: dict[str, tuple[DomainKey, str]] = {}

    def do() -> None:
        for name, options in FORMATS.items():
            domain = machines.start(name, MIB, filled=True)
            jobs[name] = domain, dumped(host, domain, options)
        for name, act in (("saved", saved), ("managed", managed)):
            domain = machines.boot(machines.define(name, MIB))
            jobs[name] = domain, act(host, domain)
        for name, act, place_of_disk in (("copied", copied, disk), ("backed-up", backed_up, other_disk)):
            domain = machines.start(name, disk=place_of_disk)
            jobs[name] = domain, act(host, domain)
        domain = machines.boot(machines.define("migrated", MIB))
        jobs["migrated"] = domain, migrated(host, domain, there)

    with running(place, host.uri):
        await asyncio.to_thread(do)
        await asyncio.to_thread(eventually, lambda: len(ended_jobs()) == len(jobs), PATIENCE)
    for reader in (*ON_THE_HOST, AFAR):
        listed = await asyncio.to_thread(asked, reader, host, "history", "--json")
        assert len(listed) == len(jobs)
        history = {job["uuid"]: job for job in listed}
        for name, (domain, operation) in jobs.items():
            options = ("--last", "--operation", "any", "--json")
            [*_, outcome] = await asyncio.to_thread(asked, reader, host, "wait", *options, domain.uuid)
            for told in (outcome, history[domain.uuid]):
                assert (told["operation"], told["verdict"]) == (operation, "completed"), (reader, name, told)
                assert (told["evidence"] == "shared record") is (reader == AFAR), (reader, name, told)


def ended_jobs() -> set[str]:
    return {job.uuid for job in HostHistory().jobs() if job.verdict is Verdict.COMPLETED}
