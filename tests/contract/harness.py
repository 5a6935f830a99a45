"""What the conformance suite needs of a hypervisor beyond the contract; one harness for each backend.

For the author of a backend: `Harness` is all that there is to implement, and this module all that there is to import
(with what it imports of `backend`). From a checkout of virt-jobs, with the backend's package installed beside it,

    pytest tests/contract --harness=my_package.tests.harness:MyHarness

runs every test of the contract on it. A backend is done when they pass; what a hypervisor cannot have, `lacks` tells.
tests/example_backend is a whole example.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from backend.base import Backend
from backend.dump_request import DumpFlags, DumpFormat
from backend.model import BlockOperation, DomainKey

QUICK_MIB = 32
"""Memory of a domain whose dump is over in about a second."""
LONG_MIB = 1024
"""Memory of one whose dump makes headway that can be watched, once it is let go."""
DISK = "vda"
"""The disk of a domain that has one."""
DISK_MIB = 32
"""Its size, all of it data."""


class Release(Protocol):
    """Lets a held dump go on: to its end, or no further than the `closing` of its file."""

    async def __call__(self, closing: bool = False) -> None: ...


class ReleaseBlockJob(Protocol):
    """Lets a held block job go on at full speed."""

    async def __call__(self) -> None: ...


class Harness(ABC):
    """A hypervisor to run the suite on. Used with ``async with``, one for each test; `folder` is the test's own.

    Leaving it removes every domain that it made, whatever state it is in, and everything else it set up.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """Where the hypervisor can write dumps."""

    async def __aenter__(self) -> Self:
        return self

    @abstractmethod
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    @abstractmethod
    def uri(self) -> str:
        """The hypervisor that the domains are made on."""

    @abstractmethod
    def backend(self, readonly: bool = False, uri: str | None = None) -> Backend:
        """A new backend on `uri` (this harness's own by default), not opened yet. Every call makes another one."""

    @abstractmethod
    async def running(self, name: str, mib: int = QUICK_MIB, paused: bool = False, filled: bool = False) -> DomainKey:
        """Make and start a domain of that name, running or paused. Names may hold any character but "/" and newline.

        One that is `filled` has memory that is neither empty nor repeats itself: every format takes its time with it.
        """

    @abstractmethod
    async def shut_off(self, name: str) -> DomainKey:
        """Make a domain that exists and does not run; its key has no id."""

    @abstractmethod
    async def destroy(self, domain: DomainKey) -> None:
        """Pull the plug of a running domain, as ``virsh destroy`` does."""

    @abstractmethod
    async def foreign_dump(
        self,
        domain: DomainKey,
        path: Path,
        format: DumpFormat = DumpFormat.RAW,
        flags: DumpFlags = DumpFlags.MEMORY_ONLY,
        uri: str | None = None,
    ) -> None:
        """Start a dump as another program would (``virsh dump``): no runner, no record. Returns once it is seen."""

    @abstractmethod
    def held(self, path: Path) -> AbstractAsyncContextManager[Release]:
        """Hold the dump to `path` that begins inside the block, whoever asks for it, until the block ends.

        It gets under way, so that its stats have processed some bytes, and no further. What the block is entered with
        lets it go on earlier. Only a domain that is `filled` has enough to write for a held dump that is no elf one.
        """

    @abstractmethod
    async def queue_foreign_dump(self, domain: DomainKey, path: Path) -> None:
        """Ask for an elf dump that begins as soon as the domain's current job is over. Returns at once."""

    @abstractmethod
    async def kill_foreign(self) -> None:
        """Kill the program that asked for the first foreign dump; the dump goes on."""

    @abstractmethod
    async def foreign_succeeded(self) -> bool:
        """Whether the first foreign dump did, in the words of the program that asked for it, once it is over."""

    @abstractmethod
    async def crash(self, domain: DomainKey) -> None:
        """End the process of a running domain without a word."""

    @abstractmethod
    async def full_disk(self, mib: int = 0) -> tuple[str, Path]:
        """The URI to open and the path to dump to for a dump of any domain to fail with "No space left on device".

        At once, or after `mib` at the latest.
        """

    @abstractmethod
    def is_dump(self, path: Path, format_name: str) -> bool:
        """Whether the file is a dump in that format (``elf``, ``kdump-zlib``, ``raw``, ...) by its first bytes."""

    async def with_disk(self, name: str) -> DomainKey:
        """Make and start a domain whose disk, ``vda``, is full of data, and two overlays deep: base, middle, top.

        Every kind of job has something to do there. For hypervisors that do not lack ``block jobs``.
        """
        raise NotImplementedError

    def block_job(self, domain: DomainKey, operation: BlockOperation) -> AbstractAsyncContextManager[ReleaseBlockJob]:
        """Start a block job on the domain's disk as another program would, and hold it until the block ends.

        It gets under way, so that its stats have processed some bytes, and no further. A copy has a new target each
        time, a commit merges the middle into the base, an active commit the top into the middle, and a pull merges all
        into the top. The block is entered once the job is seen. For hypervisors that do not lack ``block jobs``.
        """
        raise NotImplementedError

    def backup(self, domain: DomainKey, pull: bool) -> AbstractAsyncContextManager[None]:
        """Start a backup of the domain's disk as another program would, and hold it until the block ends, which
        aborts it. The block is entered once the job is seen. For hypervisors that do not lack ``backups``.
        """
        raise NotImplementedError

    def lacks(self, ability: str) -> str | None:
        """Why a test of `ability` cannot run here, for the tests that ask; None: it can.

        Abilities: ``paused`` (domains that start paused), ``hostile names``, ``block jobs``, ``backups``, ``claims``,
        ``xml`` (and messages).
        """
        return None
