"""What tests and demonstrations ask of a simulator beside the contract: domains, faults, and jobs by other programs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from backend.base import Backend
from backend.dump_request import DumpRequest
from backend.model import BlockOperation, DiskKey, Domain, DomainKey
from backend.simulator import workbench
from backend.simulator.hypervisor import Hypervisor

P = ParamSpec("P")
T = TypeVar("T")


class Controls(Backend):
    """A backend of simulated domains that can be made, broken and kept busy. Calls about a domain need its key."""

    @abstractmethod
    async def _call(
        self, function: Callable[Concatenate[Hypervisor, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """A call that the hypervisor answers itself."""

    @abstractmethod
    async def _call_on(
        self,
        domain: DomainKey,
        function: Callable[Concatenate[Hypervisor, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """A call for one domain."""

    async def define(self, name: str, memory: int, disk: int | None = None) -> Domain:
        """Define a domain of `memory` bytes, shut off; `disk` is the size of its system disk ``vda`` in bytes."""
        machine = await self._call(workbench.define, name, memory, disk)
        return Domain(machine.key, machine.state, machine.reason, machine.memory)

    async def rename(self, domain: DomainKey, name: str) -> DomainKey:
        """Rename a domain that is shut off, as ``virsh domrename`` does."""
        return (await self._call_on(domain, workbench.rename, domain, name)).key

    async def start(self, domain: DomainKey, paused: bool = False) -> DomainKey:
        """Start a domain that is shut off; returns the key of its new run."""
        return (await self._call_on(domain, workbench.start, domain, paused)).key

    async def destroy(self, domain: DomainKey, detail: str = "destroyed") -> None:
        """Destroy a running domain; with ``failed`` as `detail`, its QEMU dies instead."""
        await self._call_on(domain, workbench.destroy, domain, detail)

    async def begin_dump(self, request: DumpRequest) -> None:
        """Begin a dump as another program would: without a record, and without anyone who waits for the result."""
        await self._call_on(request.domain, Hypervisor.begin_dump, request)

    async def begin_block_job(
        self, key: DiskKey, operation: BlockOperation, seconds: float = 10.0, target: str = ""
    ) -> None:
        """Begin a job of the disk, of which everything is copied after `seconds`; a copy goes to the path `target`.

        With ``fail=disk-full`` it fails half-way. OperationFailed if the disk has a job, or nothing to commit.
        """
        await self._call_on(key.domain, workbench.begin_block_job, key, operation, seconds, target)

    async def begin_migration(
        self,
        domain: DomainKey,
        seconds: float = 10.0,
        load: float = 0.0,
        working_set: int = 0,
        bandwidth: int = 0,
        postcopy: bool = True,
    ) -> None:
        """Begin a migration to another host, over a link that carries the domain's memory within `seconds`.

        The guest writes to `working_set` bytes of its memory, and as many a second as `load` times what the link
        carries. `bandwidth` is the limit at the begin, in bytes per second; 0: none. `postcopy`: it can be started.
        """
        await self._call_on(domain, workbench.begin_migration, domain, seconds, load, working_set, bandwidth, postcopy)

    async def recover_postcopy(self, domain: DomainKey) -> None:
        """Let a migration go on whose post-copy has failed, as ``virsh migrate --postcopy --postcopy-resume`` does."""
        await self._call_on(domain, workbench.recover_postcopy, domain)

    async def begin_backup(self, domain: DomainKey, pull: bool = False, seconds: float = 10.0) -> None:
        """Begin a backup of all disks; a pull backup goes on until it is aborted. ``fail=disk-full`` fails a push."""
        await self._call_on(domain, workbench.begin_backup, domain, pull, seconds)

    async def fail_io(self, domain: DomainKey) -> None:
        """Let a disk of the running guest report an error, for which it is paused."""
        await self._call_on(domain, workbench.fail_io, domain)

    async def panic(self, domain: DomainKey, restart: bool = False) -> None:
        """Let the running guest panic: libvirt dumps it, and then stops the domain or lets it `restart`.

        With ``fail=disk-full``, the dump fails and the guest stays as it crashed.
        """
        await self._call_on(domain, workbench.panic, domain, restart)
