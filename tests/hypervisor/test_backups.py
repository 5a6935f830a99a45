"""Waits for backups: what `wait` says, held against what virsh itself returned."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.backup import Backup, BackupDisk
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from tests.contract.steps import PATIENCE
from tests.hypervisor import backups
from tests.hypervisor.daemon import Machines, domain_xml
from tests.hypervisor.disk import small_disk
from tests.hypervisor.onlookers import kill_qemu, onlookers
from tests.hypervisor.operations import Act, Host, abort, attached, destroy, ended, nothing
from tests.tui.console import console

pytestmark = pytest.mark.hypervisor


async def backed_up(host: Host, folder: Path, act: Act, data: int = 256, paused: bool = False) -> Outcome:
    """How a backup ends; `act` is done, and it is let go, when everybody is attached."""
    domain = host.machines.start("vm", paused=paused, disk=host.disk(2048, data))
    description = host.folder / "backup.xml"
    description.write_text(backups.push_xml({"vda": folder / "backup"}))
    # One process does both: until it is slowed down, the backup does in a second what it has to do.
    script = f"backup-begin {domain.uuid} {description}; qemu-monitor-command {domain.uuid} '{_speed(1 << 20)}'"
    assert await ended(host.virsh(script)) == ""
    async with attached(host, domain, JobOperation.BACKUP) as waiting:
        await act(host, domain)
        await ended(host.virsh("qemu-monitor-command", domain.uuid, _speed(0)))  # It may be gone by now.
        return await waiting.outcome()


def _speed(speed: int) -> str:
    """What tells QEMU the bytes/s of a backup, 0: no limit. libvirt has no call for it."""
    job = {"device": "backup-vda-libvirt-1-format", "speed": speed}
    return json.dumps({"execute": "block-job-set-speed", "arguments": job})


async def test_a_backup(here: Host) -> None:
    outcome = await backed_up(here, here.folder, nothing)
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.JOB_EVENT)


async def test_an_aborted_backup(here: Host) -> None:
    outcome = await backed_up(here, here.folder, abort)
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED, Evidence.JOB_EVENT)


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_a_backup_onto_a_full_disk(here: Host, paused: bool) -> None:
    # It must not be full before the backup is slowed down.
    with small_disk(here.folder / "small", 1000) as folder:
        outcome = await backed_up(here, folder, nothing, 1024, paused)
    assert (outcome.verdict, outcome.evidence, outcome.error) == (
        Verdict.FAILED,
        Evidence.JOB_EVENT,
        "No space left on device",
    )


async def test_a_backup_whose_domain_is_destroyed(here: Host) -> None:
    outcome = await backed_up(here, here.folder, destroy)
    assert outcome.verdict is Verdict.FAILED


# Pull backups: a client reads them, and libvirt ends them all alike.

DISK, DATA = 256, 64
"""MiB of a disk that is backed up, and of data on it."""


@dataclass(frozen=True)
class Pull:
    """A pull backup that nobody has read yet."""

    host: Host
    domain: DomainKey

    async def read(self) -> str:
        """Read all of it, as its client would, by the URI that the backend tells, which is returned."""
        copy = self.host.folder / "copy"
        async with LibvirtBackend(self.host.uri, readonly=True) as backend:
            backup = await backend.backup(self.domain)
        assert backup is not None
        export = backup.disks[0].export
        await self._run("qemu-img", "convert", "-f", "raw", "-O", "raw", export, str(copy))
        with copy.open("rb") as file:
            assert file.read(DATA << 20) == b"\7" * (DATA << 20)
        return export

    async def fill_scratch(self) -> None:
        """Let the guest overwrite more than there is room for on the scratch disk, which keeps what was there."""
        device = "/machine/peripheral/virtio-disk0/virtio-backend"
        write = f'qemu-io -d {device} "write -P 9 0 32M"'
        await ended(self.host.virsh("qemu-monitor-command", "--hmp", self.domain.uuid, write))
        async with LibvirtBackend(self.host.uri) as backend:
            stats = await backend.job(self.domain)
            assert stats is not None
            assert stats.disk_temp_used

    async def wait_for_last(self) -> tuple[int, str]:
        """What `wait --last` exits with and prints when the job is gone."""
        return await self._tui("wait", "--last", "--json", self.domain.uuid)

    async def abort_by_command(self) -> str:
        """Abort it with virt-jobs: what that prints."""
        code, output = await self._tui("abort", self.domain.uuid)
        assert code == 0
        return output

    async def _tui(self, *arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tui", "-c", self.host.uri, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        return process.returncode or 0, output.decode()

    async def _run(self, *command: str) -> None:
        await asyncio.to_thread(subprocess.run, command, check=True, timeout=PATIENCE)


async def pulled(host: Host, scratch: Path, server: str = "") -> Pull:
    """A pull backup that has just begun; `server`: the attributes of its NBD server, by default on a socket."""
    domain = host.machines.start("vm", disk=host.disk(DISK, DATA))
    description = host.folder / "backup.xml"
    server = server or f"transport='unix' socket='{host.folder / 'nbd'}'"
    description.write_text(backups.pull_xml(server, scratch))
    assert await ended(host.virsh("backup-begin", domain.uuid, description)) == ""
    return Pull(host, domain)


def is_unproven(outcome: Outcome) -> None:
    """The verdict, and its reason, which does not depend on the language of the daemon."""
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.NONE), outcome
    assert "only the backup's client knows what was read" in outcome.detail


async def test_of_a_pull_backup_that_virsh_aborts_nobody_can_tell(here: Host) -> None:
    pull = await pulled(here, here.folder / "scratch")
    async with attached(here, pull.domain, JobOperation.BACKUP) as waiting:
        await abort(here, pull.domain)
        is_unproven(await waiting.outcome())
    code, output = await pull.wait_for_last()
    assert (code, "completed" in output) == (3, False), output


async def test_an_abort_says_what_it_means_for_a_pull_backup(here: Host) -> None:
    pull = await pulled(here, here.folder / "scratch")
    async with attached(here, pull.domain, JobOperation.BACKUP) as waiting:
        output = await pull.abort_by_command()
        is_unproven(await waiting.outcome())
    assert "vm: abort requested" in output
    assert "loses its export, and nobody can tell whether what it has read is complete" in output


async def test_the_console_says_so_before_it_aborts_one(here: Host) -> None:
    pull = await pulled(here, here.folder / "scratch")
    async with attached(here, pull.domain, JobOperation.BACKUP) as waiting, console(here.uri) as user:
        await user.sees("1 job", "▌ vm", "Temporary disk space total")
        await user.press("a")
        await user.reads(
            "Abort the backup of vm?",
            "loses its export, and nobody can tell whether what it has read is complete.",
        )
        await user.press("y")
        is_unproven(await waiting.outcome())
        await user.sees("0 jobs")


async def test_of_a_pull_backup_whose_client_read_it_all_nobody_else_can_tell(here: Host) -> None:
    pull = await pulled(here, here.folder / "scratch")
    async with attached(here, pull.domain, JobOperation.BACKUP) as waiting:
        await pull.read()
        await abort(here, pull.domain)  # There is no other way to end it.
        is_unproven(await waiting.outcome())


async def test_what_is_told_of_a_pull_backup_over_tcp_is_how_it_is_read(here: Host) -> None:
    port = 50_000 + os.getpid() % 10_000
    pull = await pulled(here, here.folder / "scratch", f"name='127.0.0.1' port='{port}'")
    async with attached(here, pull.domain, JobOperation.BACKUP) as waiting:
        assert await pull.read() == f"nbd://127.0.0.1:{port}/vda"
        await abort(here, pull.domain)
        is_unproven(await waiting.outcome())


async def test_the_targets_of_a_push_backup_of_two_disks_are_told_while_it_runs(here: Host) -> None:
    xml = domain_xml("vm", 32, disk=here.disk(512, 256))
    domain = here.machines.create(backups.with_second_disk(xml, here.folder))
    handle = here.machines.handle(domain)
    targets = await asyncio.to_thread(backups.begin_paused, handle, here.folder, "vda", "vdb")
    async with (
        attached(here, domain, JobOperation.BACKUP) as waiting,
        LibvirtBackend(here.uri, readonly=True) as backend,
    ):
        backup = await backend.backup(domain)
        assert backup == Backup(False, tuple(BackupDisk(disk, str(target)) for disk, target in targets.items()))
        await asyncio.to_thread(backups.release, handle)
        outcome = await waiting.outcome()
        assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.JOB_EVENT)
        assert await backend.backup(domain) is None
    assert all(target.stat().st_size > (8 << 20) for target in targets.values())


async def test_a_pull_backup_with_a_full_scratch_disk(here: Host) -> None:
    with small_disk(here.folder / "small", 8) as folder:
        pull = await pulled(here, folder / "scratch")
        async with attached(here, pull.domain, JobOperation.BACKUP) as waiting:
            await pull.fill_scratch()
            await abort(here, pull.domain)
            is_unproven(await waiting.outcome())


async def test_who_waited_before_the_daemon_died_and_who_came_after_it_agree_on_a_pull_backup(here: Host) -> None:
    pull = await pulled(here, here.folder / "scratch")
    async with attached(here, pull.domain, JobOperation.BACKUP) as before:
        await asyncio.to_thread(here.daemon.kill)
        await asyncio.to_thread(here.daemon.start)
        async with attached(here, pull.domain, JobOperation.BACKUP) as after:
            await abort(here, pull.domain)
            outcomes = await asyncio.gather(before.outcome(), after.outcome())
    assert [outcome.verdict for outcome in outcomes] == [Verdict.UNPROVEN, Verdict.UNPROVEN], outcomes
    is_unproven(outcomes[1])


# Whoever waits, and whatever is cut meanwhile.


async def let_go(host: Host, domain: DomainKey) -> None:
    await asyncio.to_thread(backups.release, host.machines.handle(domain))


@pytest.mark.parametrize(
    ("pull", "act", "verdict"),
    [
        pytest.param(False, let_go, Verdict.COMPLETED, id="push"),
        pytest.param(False, abort, Verdict.CANCELLED, id="push, aborted"),
        pytest.param(False, kill_qemu, Verdict.FAILED, id="push, QEMU killed"),
        pytest.param(True, abort, Verdict.UNPROVEN, id="pull, aborted"),
        pytest.param(True, kill_qemu, Verdict.FAILED, id="pull, QEMU killed"),
    ],
)
@pytest.mark.parametrize("cut", [False, True], ids=["connected", "cut"])
async def test_every_waiter_of_a_backup_learns_the_same(
    here: Host, pull: bool, act: Act, verdict: Verdict, cut: bool
) -> None:
    domain = here.machines.start("vm", disk=here.disk(DISK, DATA))
    await asyncio.to_thread(backups.begin_held, here.machines.handle(domain), here.folder, pull)
    async with onlookers(here, domain, JobOperation.BACKUP) as waiting:
        if cut:
            await waiting.proxy.cut()
        await act(here, domain)
        assert await waiting.verdicts(cut) == {verdict}


async def test_a_push_backup_under_which_the_daemon_dies_is_never_said_to_be_what_it_was_not(here: Host) -> None:
    domain = here.machines.start("vm", disk=here.disk(DISK, DATA))
    await asyncio.to_thread(backups.begin_held, here.machines.handle(domain), here.folder, False)
    async with attached(here, domain, JobOperation.BACKUP) as waiting:
        await asyncio.to_thread(here.daemon.kill)
        await asyncio.to_thread(here.daemon.start)
        with Machines(here.uri) as machines:
            await asyncio.to_thread(backups.release, machines.handle(domain))
        outcome = await waiting.outcome()
    assert outcome.verdict in (Verdict.COMPLETED, Verdict.UNPROVEN), outcome
