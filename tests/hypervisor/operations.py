"""Operations but dumps, as virsh starts them: what they run on, who waits for them, and what is done to them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, JobOperation
from backend.observing.wait import wait
from backend.outcome import Evidence, Outcome, Verdict
from tests.contract.steps import PATIENCE, eventually
from tests.hypervisor.daemon import Machines, PrivateDaemon
from tests.language import in_english
from tui.cli import exits

MIB = 64
"""Memory of a domain, all of which has to be written."""
COMPLETED = (Verdict.COMPLETED, Evidence.LIFECYCLE)
FAILED = (Verdict.FAILED, Evidence.LIFECYCLE)
CANCELLED = (Verdict.CANCELLED, Evidence.STATS)
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


@dataclass
class Waiting:
    """Two who wait for one job: a backend, and the command."""

    backend: asyncio.Task[Outcome]
    command: asyncio.subprocess.Process
    rest: asyncio.Task[tuple[bytes, bytes]]
    """What the command prints from now on; it is read all the while, since a full pipe would hold the command."""

    async def outcome(self) -> Outcome:
        """What both of them say."""
        async with asyncio.timeout(PATIENCE):
            outcome = await self.backend
            out, err = await self.rest
        told = json.loads(out.splitlines()[-1])
        assert (told["event"], told["operation"]) == ("outcome", outcome.operation.label), err
        assert told["verdict"] == outcome.verdict, (told, outcome)
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
        waiting: asyncio.Task[Outcome] | None = None
        rest: asyncio.Task[tuple[bytes, bytes]] | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                first = await command.stdout.readline()
                assert json.loads(first)["event"] == "progress"
                rest = asyncio.create_task(command.communicate())
                # Later than the command, which may take long to start: some waits give up after a while.
                seen = asyncio.Event()
                waiting = asyncio.create_task(wait(backend, domain, operation, on_progress=lambda _: seen.set()))
                await seen.wait()
            yield Waiting(waiting, command, rest)
        finally:
            with contextlib.suppress(ProcessLookupError):
                command.kill()
            await (rest or command.communicate())
            if waiting is not None:
                waiting.cancel()


@contextlib.asynccontextmanager
async def both_attached(
    here: Host, domain: DomainKey, there: Host, arriving: DomainKey
) -> AsyncIterator[tuple[Waiting, Waiting]]:
    """Wait for both sides of a migration, as `attached` does."""
    async with contextlib.AsyncExitStack() as stack:
        sides = (
            attached(here, domain, JobOperation.MIGRATION_OUT),
            attached(there, arriving, JobOperation.MIGRATION_IN),
        )
        leaving_side, arriving_side = await asyncio.gather(*map(stack.enter_async_context, sides))
        yield leaving_side, arriving_side


async def ended(virsh: subprocess.Popen[str]) -> str:
    """What virsh had to complain of when it ended; empty: success."""
    _, errors = await asyncio.to_thread(virsh.communicate, timeout=PATIENCE)
    assert bool(virsh.returncode) == bool(errors.strip())
    return errors.strip()


def agree(outcome: Outcome, errors: str) -> None:
    """Nobody is told "completed" where virsh failed, or "failed" where it succeeded."""
    wrong = Verdict.COMPLETED if errors else Verdict.FAILED
    assert outcome.verdict is not wrong, (outcome, errors)
    if outcome.verdict is Verdict.CANCELLED:
        assert errors, outcome
        assert re.search(in_english("aborted"), errors), (outcome, errors)


async def nothing(host: Host, domain: DomainKey) -> None:
    pass


async def abort(host: Host, domain: DomainKey) -> None:
    await ended(host.virsh("domjobabort", domain.uuid))


async def destroy(host: Host, domain: DomainKey) -> None:
    await ended(host.virsh("destroy", domain.uuid))


Act = Callable[[Host, DomainKey], Awaitable[None]]
Found = tuple[Verdict, Evidence]


async def arrival(
    there: Host, domain: DomainKey, virsh: subprocess.Popen[str], *, may_be_in: bool = False
) -> DomainKey:
    """The domain as the host has it that `virsh` brings it to, once it has begun to come in, or if it `may_be_in`."""
    async with LibvirtBackend(there.uri) as backend:

        async def probe() -> DomainKey | None:
            assert virsh.poll() is None or (may_be_in and not virsh.poll()), await ended(virsh)
            keys = [found.key for found in await backend.domains()]
            return next((key for key in keys if key.uuid == domain.uuid and key.id is not None), None)

        key = await eventually(probe)
    assert key is not None
    return key
