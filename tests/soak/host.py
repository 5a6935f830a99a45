"""A libvirtd of the soak's own, and domains on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

from backend.base import Backend
from backend.dump_request import DumpRequest
from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.host.processes import processes
from backend.libvirt.metadata import URN
from backend.model import DomainKey
from backend.outcome import Verdict
from backend.records import codec
from backend.records.record import JobRecord
from tests.contract.steps import eventually
from tests.hypervisor.daemon import PrivateDaemon, domain_xml, process_of, resident
from tests.hypervisor.disk import small_disk
from tests.hypervisor.forgery import forged
from tests.hypervisor.helper import helper_of
from tests.hypervisor.proxy import Proxy
from tests.soak.machine import LOOK, PATIENCE, ForeignCall, Machine, NeverCame, Returned

VIRSH_DEADLINE = 20.0
FULL_MIB = 24
"""Size of the disk that no dump fits on."""
_LINE_BROKE = (
    "End of file",
    "end of file",
    "Cannot recv data",
    "Cannot write data",
    "client socket is closed",
    "keepalive",
    "failed to connect",
    "Failed to connect",
    "Disconnected from",
    "Connection reset",
    "hangup",
)
"""What virsh says when the daemon is gone: of the dump it says nothing."""
Told = Callable[[str], None]


class Host:
    """A session daemon that is started anew whenever it is not there, as a service manager would do it."""

    def __init__(self, name: str, folder: Path, tell: Told) -> None:
        self.name = name
        self.folder = folder
        self.daemon = PrivateDaemon(folder, host=name)
        self.proxy = Proxy(folder / "proxy", folder / "run/libvirt/libvirt-sock")
        self.full = folder / "full"
        self._tell = tell
        self._turn = asyncio.Lock()
        """Who does something to the daemon does it alone."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Leaving it leaves nothing: no daemon, domain, process or mount."""
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            stack.callback(_kill_all_of, self.folder)
            stack.callback(self.daemon.stop)
            stack.callback(_kill_all_of, self.folder, b"qemu-system")
            stack.enter_context(small_disk(self.full, FULL_MIB))
            await asyncio.to_thread(self.daemon.start)
            async with self.proxy:
                keeper = asyncio.create_task(self._keep())
                try:
                    yield
                finally:
                    keeper.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await keeper
                    # A stopped daemon would keep who disconnects from it waiting.
                    self._signal(signal.SIGCONT)

    async def _keep(self) -> None:
        while True:
            if not self.daemon.alive:
                async with self._turn:
                    self._tell("started again")
                    # One that meets the end of an orphaned dump while it starts dies of it: the next one will do.
                    with contextlib.suppress(AssertionError):
                        await asyncio.to_thread(self.daemon.start)
            await asyncio.sleep(LOOK)

    async def suffer(self, chance: random.Random) -> str:
        """Let one thing go wrong with the daemon or the connections to it: what that is."""
        faults: dict[str, Callable[[random.Random], Awaitable[None]]] = {
            "daemon told to end": self._terminate,
            "daemon killed": self._kill,
            "daemon stopped for a while": self._stop,
            "daemon stopped for long": self._stop_for_long,
            "connections cut": self._cut,
        }
        name = chance.choices(list(faults), [2, 3, 4, 1, 6])[0]
        self._tell(name)
        async with self._turn:
            with contextlib.suppress(OSError, ValueError):  # It died of its own accord.
                await faults[name](chance)
        return name

    async def _terminate(self, chance: random.Random) -> None:
        self._signal(signal.SIGTERM)

    async def _kill(self, chance: random.Random) -> None:
        self.daemon.kill()  # Not in a thread: whoever is told to end meanwhile must not leave it half done.

    async def _stop(self, chance: random.Random) -> None:
        await self._stopped_for(chance.uniform(0.2, 4.0))

    async def _stop_for_long(self, chance: random.Random) -> None:
        # Longer than connections are kept alive without an answer.
        await self._stopped_for(chance.uniform(16.0, 20.0))

    async def _stopped_for(self, seconds: float) -> None:
        self._signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._signal(signal.SIGCONT)

    async def _cut(self, chance: random.Random) -> None:
        away = chance.uniform(0.0, 3.0)
        await self.proxy.cut()
        try:
            await asyncio.sleep(away)
        finally:
            await self.proxy.mend()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.daemon.signal(number)

    async def virsh(self, *arguments: str, deadline: float | None = VIRSH_DEADLINE) -> tuple[int, str]:
        """What a virsh of one's own exits with and says; 124 where it did not come back in time."""
        process = await asyncio.create_subprocess_exec(
            *("virsh", "-q", "-c", self.daemon.uri, *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(deadline):
                output, _ = await process.communicate()
        except TimeoutError:
            return 124, ""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, output.decode(errors="replace").strip()


class RealMachine(Machine):
    """A persistent domain with firmware only, or with what fills its memory so that its dumps take their time."""

    formats = ("elf",) * 10 + ("kdump-zlib",) * 6 + ("raw",) * 10 + ("win-dmp", "kdump-lzo", "kdump-snappy")
    processes = True

    def __init__(self, host: Host, name: str, mib: int, filled: bool, direct: Backend, stranger: Backend) -> None:
        self.name = name
        self.folder = host.folder / name
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.direct = direct
        self.stranger = stranger
        self._host = host
        self._mib = mib
        self._filled = filled
        self._uuid = ""
        self._renames = 0

    @property
    def called(self) -> str:
        return f"{self.name}-{self._renames}" if self._renames else self.name

    async def rename(self) -> bool:
        if not self._uuid:
            return False
        await self._host.virsh("destroy", self._uuid)
        await self._host.virsh("domrename", self._uuid, f"{self.name}-{self._renames + 1}")
        # Where the daemon died over it, only the daemon knows whether it was done.
        async with asyncio.timeout(PATIENCE):
            while True:
                code, name = await self._host.virsh("domname", self._uuid)
                if code == 0:
                    break
                await asyncio.sleep(LOOK)
        renamed = name != self.called
        self._renames += renamed
        return renamed

    @contextmanager
    def forged_file(self, path: Path) -> Iterator[None]:
        with forged(self._uuid, path):
            yield

    async def forge(self, record: JobRecord) -> None:
        options = ("--live", "--key", "virt-jobs", "--set", codec.to_xml(record))
        await self._host.virsh("metadata", self._uuid, URN, *options, deadline=PATIENCE)

    async def ready(self, paused: bool) -> DomainKey:
        if not self._uuid:
            await self._define()
        async with asyncio.timeout(PATIENCE):
            while True:
                match await self._host.virsh("domstate", self._uuid):
                    case 0, "shut off":
                        await self._host.virsh("start", self._uuid)
                    case 0, "paused" if not paused:
                        await self._resume()
                    case 0, "paused" | "running" as state if state == "paused" or await self._booted():
                        if not paused or state == "paused":
                            return await self._key()
                        await self._host.virsh("suspend", self._uuid)
                    case 0, "crashed" | "in shutdown":
                        await self.begin_anew()
                    case _:
                        await asyncio.sleep(LOOK)

    async def _define(self) -> None:
        xml = self.folder / "domain.xml"
        xml.write_text(domain_xml(self.name, self._mib, self._filled))
        code, said = await self._host.virsh("define", str(xml))
        xml.unlink()
        if code:
            raise NeverCame(f"{self.name} cannot be defined: {said}")
        _, self._uuid = await self._host.virsh("domuuid", self.name)

    async def _resume(self) -> None:
        code, _ = await self._host.virsh("resume", self._uuid)
        if code:  # What a daemon that died left behind may not be resumable.
            await self.begin_anew()

    async def _booted(self) -> bool:
        if not self._filled:
            return True
        try:
            full = resident(process_of(DomainKey(self._uuid, None, self.name))) > self._mib << 20
        except (LookupError, OSError):
            return False
        if not full:
            await asyncio.sleep(LOOK)
        return full

    async def _key(self) -> DomainKey:
        while True:
            code, said = await self._host.virsh("domid", self._uuid)
            if code == 0 and said.isdigit():
                return DomainKey(self._uuid, int(said), self.called)
            await asyncio.sleep(LOOK)

    def target(self, full: bool) -> tuple[Backend, Path]:
        return self.direct, self._host.full if full else self.folder

    def call(self, request: DumpRequest, full: bool) -> ForeignCall:
        options = ["--memory-only", f"--format={request.format_name}"] if request.memory_only else []
        options += [f"--{label}" for label in request.flags.labels if label != "memory-only"]
        call = asyncio.create_task(
            self._host.virsh("dump", request.domain.uuid, request.path, *options, deadline=PATIENCE)
        )
        return ForeignCall(asyncio.create_task(_returned(call)), call.cancel)

    async def destroy(self, domain: DomainKey, again: bool) -> None:
        await self._host.virsh("destroy", domain.uuid)
        if again:
            await self._host.virsh("start", domain.uuid)

    async def crash(self, domain: DomainKey) -> None:
        with contextlib.suppress(LookupError, ProcessLookupError):
            os.kill(process_of(domain), signal.SIGKILL)

    async def settled(self, domain: DomainKey, path: Path) -> str:
        await eventually(partial(self._is_quiet, path))
        async with asyncio.timeout(PATIENCE):
            return await self._dump_status(domain)

    async def _is_quiet(self, path: Path) -> bool:
        if await asyncio.to_thread(helper_of, path) is not None:
            return False
        code, said = await self._host.virsh("domjobinfo", self._uuid)
        return (code == 0 and said.split() == ["Job", "type:", "None"]) or "domain is not running" in said

    async def _dump_status(self, domain: DomainKey) -> str:
        """What QEMU says of the last dump of that run; empty when that is over."""
        while (now := (await self._host.virsh("domid", self._uuid))) != (0, str(domain.id)):
            if now[0] == 0:
                return ""
            await asyncio.sleep(LOOK)
        code, said = await self._host.virsh("qemu-monitor-command", self._uuid, '{"execute":"query-dump"}')
        if code:
            return ""
        # virsh may have more to say where the daemon died right after its answer.
        return str(json.loads(said.partition("\n")[0]).get("return", {}).get("status", ""))

    async def begin_anew(self) -> None:
        code, _ = await self._host.virsh("destroy", self._uuid)
        if code:
            await self.crash(DomainKey(self._uuid, None, self.name))


async def _returned(call: asyncio.Task[tuple[int, str]]) -> Returned:
    try:
        code, said = await call
    except asyncio.CancelledError:
        return Returned(None, "killed")
    if code == 0:
        return Returned(Verdict.COMPLETED)
    # Where virsh fails and gives no reason, its connection broke while it had no call under way.
    if code == 124 or said.count("error:") == 1 or any(words in said for words in _LINE_BROKE):
        return Returned(None, said)
    return Returned(Verdict.CANCELLED if "canceled" in said else Verdict.FAILED, said)


def _kill_all_of(folder: Path, program: bytes = b"") -> None:
    """Kill the processes that were started for a daemon: all of them name its folder in their arguments."""
    for process, _ in processes():
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes()
            if program in arguments and bytes(folder) + b"/" in arguments and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)


@asynccontextmanager
async def opened(host: Host) -> AsyncIterator[tuple[Backend, Backend]]:
    """The user's own backend on a host, and a stranger's."""
    async with (
        LibvirtBackend(host.daemon.uri) as direct,
        LibvirtBackend(host.proxy.uri, readonly=True) as stranger,
    ):
        yield direct, stranger
