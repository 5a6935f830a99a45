"""Waits for every operation but dumps: what `wait` says, held against what virsh itself returned."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pytest

from backend.errors import NoJob, NotAnswering
from backend.libvirt import LibvirtBackend
from backend.model import DomainKey, JobOperation
from backend.verdict import Evidence, Outcome, Verdict
from tests.contract.steps import PATIENCE, eventually
from tests.hypervisor.daemon import Machines, PrivateDaemon
from tests.hypervisor.disk import small_disk
from tests.hypervisor.helper import Held
from tests.tui.console import console
from tui.cli import exits
from tui.config.values import Config, Connection

pytestmark = pytest.mark.hypervisor

MIB = 1024
"""Memory of a domain that takes a while to write."""
SLOW = "16"
"""MiB/s of a migration, until somebody is attached."""

LIFECYCLE, JOB_EVENT, STATS = Evidence.LIFECYCLE, Evidence.JOB_EVENT, Evidence.STATS
COMPLETED = (Verdict.COMPLETED, LIFECYCLE)
FAILED = (Verdict.FAILED, LIFECYCLE)
CANCELLED = (Verdict.CANCELLED, STATS)
UNPROVEN = (Verdict.UNPROVEN, Evidence.NONE)


@dataclass
class Host:
    """One daemon, what runs on it, and a folder that it can write to."""

    daemon: PrivateDaemon
    machines: Machines
    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return self.daemon.uri

    def virsh(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Somebody else's virsh, which has just been started."""
        command = ["virsh", "-q", "-c", self.uri, *map(str, arguments)]
        virsh = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.started.append(virsh)
        return virsh

    def clear(self) -> None:
        """End what is left: what came in by a migration or a restore was not made through `machines`."""
        with contextlib.suppress(subprocess.CalledProcessError):  # libvirtd may have crashed.
            for name in subprocess.check_output(["virsh", "-q", "-c", self.uri, "list", "--name"], text=True).split():
                self.virsh("destroy", name)
        for virsh in self.started:
            virsh.communicate(timeout=PATIENCE)

    def disk(self, mib: int, data: int = 0) -> Path:
        """A new qcow2 disk of so many MiB, the first `data` of them written to."""
        path = self.folder / "disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, f"{mib}M"], check=True)
        if data:
            subprocess.run(
                ["qemu-io", "-f", "qcow2", "-c", f"write -q -P 7 0 {data}M", path],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        path.chmod(0o666)
        return path


@pytest.fixture(scope="module")
def daemons() -> Iterator[tuple[PrivateDaemon, PrivateDaemon]]:
    """Two hosts on this machine."""
    with contextlib.ExitStack() as stack:
        made = []
        for host in ("here.example", "there.example"):
            folder = Path(tempfile.mkdtemp(prefix="vj-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            daemon = PrivateDaemon(folder, host)
            daemon.start()
            stack.callback(daemon.stop)
            made.append(daemon)
        yield made[0], made[1]


@pytest.fixture
def hosts(daemons: tuple[PrivateDaemon, PrivateDaemon]) -> Iterator[tuple[Host, Host]]:
    folder = Path(tempfile.mkdtemp(prefix="vj-files-"))
    folder.chmod(0o777)
    for daemon in daemons:
        if not daemon.alive:  # libvirtd 9.0.0 may crash when a domain is destroyed under a snapshot.
            daemon.start()
    with Machines(daemons[0].uri) as here, Machines(daemons[1].uri) as there:
        made = Host(daemons[0], here, folder), Host(daemons[1], there, folder)
        yield made
    for host in made:
        host.clear()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def here(hosts: tuple[Host, Host]) -> Host:
    return hosts[0]


@pytest.fixture
def there(hosts: tuple[Host, Host]) -> Host:
    return hosts[1]


@dataclass
class Waiting:
    """Two who wait for one job: a backend, and the command."""

    backend: asyncio.Task[Outcome]
    command: asyncio.subprocess.Process
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def outcome(self) -> Outcome:
        """What both of them say."""
        async with asyncio.timeout(PATIENCE):
            outcome = await self.backend
            out, err = await self.command.communicate()
        told = json.loads(out.splitlines()[-1])
        assert (told["event"], told["operation"]) == ("outcome", outcome.operation.label), err
        assert told["verdict"] == outcome.verdict
        assert self.command.returncode == exits.of_outcome(outcome)
        return outcome


@contextlib.asynccontextmanager
async def attached(host: Host, domain: DomainKey, operation: JobOperation) -> AsyncIterator[Waiting]:
    """Wait for the domain's job, by the backend and by the command; both have seen it when this begins."""
    async with LibvirtBackend(host.uri) as backend:
        await eventually(lambda: backend.job(domain))
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tui", "-c", host.uri, "wait", "--json"),
            *("--operation", operation.label.replace(" ", "-"), domain.uuid),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert command.stdout is not None
        seen = asyncio.Event()
        waiting = Waiting(
            asyncio.create_task(backend.wait(domain, operation, on_progress=lambda _: seen.set())), command
        )
        try:
            async with asyncio.timeout(PATIENCE):
                first = await command.stdout.readline()
                assert json.loads(first)["event"] == "progress"
                await seen.wait()
            yield waiting
        finally:
            with contextlib.suppress(ProcessLookupError):
                command.kill()
            await command.wait()
            waiting.backend.cancel()


async def ended(virsh: subprocess.Popen[str]) -> str:
    """What virsh had to complain of when it ended; empty: success."""
    _, errors = await asyncio.to_thread(virsh.communicate, timeout=PATIENCE)
    assert bool(virsh.returncode) == bool(errors.strip())
    return errors.strip()


def agree(outcome: Outcome, errors: str) -> None:
    """Nobody is told "completed" where virsh failed, or "failed" where it succeeded."""
    wrong = Verdict.COMPLETED if errors else Verdict.FAILED
    assert outcome.verdict is not wrong, (outcome, errors)
    assert (outcome.verdict is Verdict.CANCELLED) <= ("aborted" in errors), (outcome, errors)


def _nothing(host: Host, domain: DomainKey) -> None:
    pass


def _abort(host: Host, domain: DomainKey) -> None:
    host.virsh("domjobabort", domain.uuid)


def _destroy(host: Host, domain: DomainKey) -> None:
    host.virsh("destroy", domain.uuid)


Act = Callable[[Host, DomainKey], None]
Found = tuple[Verdict, Evidence]


async def written(
    host: Host, domain: DomainKey, operation: JobOperation, path: Path, act: Act, command: list[str | Path]
) -> tuple[Found, str]:
    """How an operation ends that writes `path`, and what virsh said; `act` is done while everybody is attached."""
    with Held(path) as held:
        virsh = host.virsh(*command)
        await asyncio.to_thread(held.until_stopped)
        async with attached(host, domain, operation) as waiting:
            act(host, domain)
            held.release()
            errors = await ended(virsh)
            outcome = await waiting.outcome()
    agree(outcome, errors)
    return (outcome.verdict, outcome.evidence), errors


SAVES = {
    "completed": (_nothing, {COMPLETED}),
    # How it was aborted is seen for some ms only.
    "aborted": (_abort, {CANCELLED, FAILED}),
    "destroyed": (_destroy, {FAILED}),
}


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
@pytest.mark.parametrize(("act", "expected"), SAVES.values(), ids=SAVES)
async def test_a_save(here: Host, act: Act, expected: set[Found], paused: bool) -> None:
    domain = here.machines.start("vm", MIB, paused, filled=True)
    path = here.folder / "saved"
    found, _ = await written(here, domain, JobOperation.SAVE, path, act, ["save", domain.uuid, path])
    assert found in expected


async def test_a_save_into_a_full_disk(here: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    with small_disk(here.folder / "small", MIB // 2) as folder:
        path = folder / "saved"
        found, errors = await written(here, domain, JobOperation.SAVE, path, _nothing, ["save", domain.uuid, path])
    assert found == FAILED
    assert "No space left on device" in errors


async def test_a_managed_save(here: Host) -> None:
    domain = here.machines.boot(here.machines.define("vm", MIB))
    path = here.daemon.folder / "config/libvirt/qemu/save/vm.save"
    found, _ = await written(here, domain, JobOperation.SAVE, path, _nothing, ["managedsave", domain.uuid])
    assert found == COMPLETED


SNAPSHOTS = {
    # Nothing that libvirt tells of a snapshot is told of successful ones only.
    "completed": (_nothing, {UNPROVEN}),
    "aborted": (_abort, {CANCELLED, UNPROVEN}),
    "destroyed": (_destroy, {FAILED}),
}


@pytest.mark.parametrize(("act", "expected"), SNAPSHOTS.values(), ids=SNAPSHOTS)
async def test_an_external_snapshot_with_memory(here: Host, act: Act, expected: set[Found]) -> None:
    domain = here.machines.start("vm", MIB, filled=True, disk=here.disk(64))
    path = here.folder / "memory"
    layer = f"vda,file={here.folder}/layer.qcow2"
    command = ["snapshot-create-as", domain.uuid, "one", "--memspec", f"file={path}", "--diskspec", layer]
    found, _ = await written(here, domain, JobOperation.SNAPSHOT, path, act, command)
    assert found in expected


async def migrated(here: Host, there: Host, act: Callable[[DomainKey], Awaitable[None]], paused: bool = False) -> Ends:
    """How both sides of a migration end, and what virsh said of it."""
    domain = here.machines.start("vm", MIB // 2, paused, filled=True)
    command = ["migrate", domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"]
    virsh = here.virsh(*command, "--bandwidth", SLOW)
    arriving = await arrival(there, domain, virsh)
    async with (
        attached(here, domain, JobOperation.MIGRATION_OUT) as leaving_side,
        attached(there, arriving, JobOperation.MIGRATION_IN) as arriving_side,
    ):
        await act(domain)
        errors = await ended(virsh)
        out, into = await asyncio.gather(leaving_side.outcome(), arriving_side.outcome())
    agree(out, errors)
    agree(into, errors)
    return Ends((out.verdict, out.evidence), (into.verdict, into.evidence), errors)


@dataclass
class Ends:
    out: Found
    into: Found
    errors: str


async def arrival(there: Host, domain: DomainKey, virsh: subprocess.Popen[str]) -> DomainKey:
    """The domain as the host has it that `virsh` brings it to, once it has begun to come in."""
    async with LibvirtBackend(there.uri) as backend:

        async def probe() -> DomainKey | None:
            assert virsh.poll() is None, await ended(virsh)
            keys = [found.key for found in await backend.domains()]
            return next((key for key in keys if key.uuid == domain.uuid and key.id is not None), None)

        key = await eventually(probe)
    assert key is not None
    return key


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_a_migration(here: Host, there: Host, paused: bool) -> None:
    async def hurry(domain: DomainKey) -> None:
        assert await ended(here.virsh("migrate-setspeed", domain.uuid, "4096")) == ""

    ends = await migrated(here, there, hurry, paused)
    assert (ends.out, ends.into, ends.errors) == (COMPLETED, COMPLETED, "")


async def test_an_aborted_migration(here: Host, there: Host) -> None:
    async def abort(domain: DomainKey) -> None:
        await ended(here.virsh("domjobabort", domain.uuid))

    ends = await migrated(here, there, abort)
    assert ends.out in {CANCELLED, FAILED}  # How it was aborted may be seen for some ms only.
    assert ends.into == FAILED


async def test_a_migration_whose_domain_is_destroyed_where_it_arrives(here: Host, there: Host) -> None:
    async def destroy(domain: DomainKey) -> None:
        await ended(there.virsh("destroy", domain.uuid))

    ends = await migrated(here, there, destroy)
    assert (ends.out, ends.into) == (FAILED, FAILED)


async def test_a_migration_whose_domain_is_destroyed_where_it_leaves(here: Host, there: Host) -> None:
    async def destroy(domain: DomainKey) -> None:
        await ended(here.virsh("destroy", domain.uuid))

    ends = await migrated(here, there, destroy)
    assert (ends.out, ends.into) == (FAILED, FAILED)


async def test_a_fleet_shows_both_ends_of_a_migration(here: Host, there: Host) -> None:
    aliases = {"here": Connection(here.uri), "there": Connection(there.uri)}
    domain = here.machines.start("vm", MIB // 2, filled=True)
    virsh = here.virsh("migrate", domain.uuid, there.uri, "--live", "--unsafe", "--bandwidth", SLOW,
                       "--migrateuri", "tcp://127.0.0.1")  # fmt: skip
    await arrival(there, domain, virsh)

    async def listed() -> bool:
        command = (sys.executable, "-m", "tui", "-c", here.uri, "-c", there.uri, "list")
        hosts = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out = (await hosts.communicate())[0].decode()
        return f"migration out -> {there.uri} " in out and f"migration in <- {here.uri} " in out

    # One that has just been started may take long to answer, and is told of when the other one was.
    assert await eventually(listed)
    config = Config(connections=MappingProxyType(aliases))
    async with console(here.uri, there.uri, config=config, size=(160, 36)) as user:
        await user.sees("2 domains", "2 jobs", "migration out → there", "migration in ← here")
        here.virsh("domjobabort", domain.uuid)
        assert "abort" in await ended(virsh)
        await user.sees("1 domain", "0 jobs")
        await user.sees_no("migration out → there", "migration in ← here")


async def backed_up(host: Host, folder: Path, act: Act, data: int = 512) -> Outcome:
    """How a backup ends; `act` is done, and it is let go, when everybody is attached."""
    domain = host.machines.start("vm", disk=host.disk(2048, data))
    description = host.folder / "backup.xml"
    description.write_text(
        "<domainbackup mode='push'><disks><disk name='vda' type='file'>"
        f"<target file='{folder / 'backup'}'/><driver type='qcow2'/></disk></disks></domainbackup>"
    )
    # One process does both: until it is slowed down, the backup does in a second what it has to do.
    script = f"backup-begin {domain.uuid} {description}; qemu-monitor-command {domain.uuid} '{_speed(1 << 20)}'"
    assert await ended(host.virsh(script)) == ""
    async with attached(host, domain, JobOperation.BACKUP) as waiting:
        act(host, domain)
        await ended(host.virsh("qemu-monitor-command", domain.uuid, _speed(0)))  # It may be gone by now.
        return await waiting.outcome()


def _speed(speed: int) -> str:
    """What tells QEMU the bytes/s of a backup, 0: no limit. libvirt has no call for it."""
    job = {"device": "backup-vda-libvirt-1-format", "speed": speed}
    return json.dumps({"execute": "block-job-set-speed", "arguments": job})


async def test_a_backup(here: Host) -> None:
    outcome = await backed_up(here, here.folder, _nothing)
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, JOB_EVENT)


async def test_an_aborted_backup(here: Host) -> None:
    outcome = await backed_up(here, here.folder, _abort)
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED, JOB_EVENT)


async def test_a_backup_onto_a_full_disk(here: Host) -> None:
    # It must not be full before somebody is attached.
    with small_disk(here.folder / "small", 480) as folder:
        outcome = await backed_up(here, folder, _nothing)
    assert (outcome.verdict, outcome.evidence, outcome.error) == (Verdict.FAILED, JOB_EVENT, "No space left on device")


async def test_a_backup_whose_domain_is_destroyed(here: Host) -> None:
    outcome = await backed_up(here, here.folder, _destroy)
    assert outcome.verdict is Verdict.FAILED


async def test_a_restore_answers_no_question_and_nothing_is_claimed_of_it(here: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    path = here.folder / "saved"
    assert await ended(here.virsh("save", domain.uuid, path)) == ""
    virsh = here.virsh("restore", path)
    restoring = await arrival(here, domain, virsh)
    async with LibvirtBackend(here.uri) as backend:
        with pytest.raises((NoJob, NotAnswering)):
            await backend.wait(restoring, JobOperation.RESTORE)
    assert await ended(virsh) == ""
