"""A daemon on this machine, as its processes show it: which domains run, and the files of its dumps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from backend.events import Event
from backend.job_origin import JobOrigin
from backend.libvirt.host.daemon import daemon_owner
from backend.libvirt.host.emulators import running_domains
from backend.log import ignored
from backend.model import DomainKey, JobKey, Operation
from backend.threads import in_thread

if TYPE_CHECKING:
    from backend.files.target import DumpTarget
    from backend.libvirt.host.dump_watch import DumpWatch

logger = logging.getLogger(__name__)


class LocalDaemon:
    """`dump_began` gets, in another thread, the uuid of each domain whose dump's file is held now."""

    def __init__(self, dump_began: Callable[[str], object]) -> None:
        self.owner = 0
        """The uid that it runs as."""
        self._dump_began = dump_began
        self._dumps: DumpWatch | None = None

    def identify(self, uri: str) -> None:
        """There is a connection to it now. `uri`: as libvirt itself gives it."""
        before = self.owner
        with ignored(logger, "the files of dumps cannot be held", OSError):
            self.owner = daemon_owner(uri)
        # Where the connection alone was lost, the files that are held are those of dumps that ended meanwhile.
        if self._dumps is not None and (self.owner != before or not self._dumps.up_to_date):
            self.close()
            self.watch_dumps()

    def close(self) -> None:
        """Let go of the files of dumps."""
        if self._dumps is not None:
            self._dumps.stop()
            self._dumps = None

    def watch_dumps(self) -> None:
        """Hold the file of each dump from its begin, where the kernel reports new processes."""
        if self._dumps is None:
            from backend.libvirt.host.dump_watch import DumpWatch

            self._dumps = DumpWatch(self.owner, self._dump_began)
            in_thread(self._dumps.start, "libvirt dump watch")

    def expect_dumps(self, uuids: Iterable[str]) -> None:
        """These domains stand still, and may be dumped without another event."""
        if self._dumps is not None:
            self._dumps.writers.expect(uuids)

    def hear(self, event: Event) -> None:
        """The daemon has reported this. In any thread."""
        if (dumps := self._dumps) is not None:
            dumps.writers.hear(event)

    async def running_domains(self) -> list[DomainKey]:
        """Those whose QEMU runs here, as far as that can be told."""
        return await in_thread(partial(running_domains, self.owner), "processes")

    async def await_dumps(self) -> None:
        """Return once it is known whose dumps run now, where that is being found out; soon."""
        if self._dumps is not None and self._dumps.complete:
            await in_thread(self._dumps.await_known, "libvirt dump watch")

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        """The file that the domain is being dumped to; None if that cannot be told, or not yet."""
        if (dumps := self._dumps) is not None and ((target := dumps.target(domain.uuid)) or dumps.complete):
            return target  # As soon as one that is being found out is known, `dump_began` tells.
        from backend.libvirt.host import iohelper

        return await in_thread(partial(iohelper.dump_target, domain.uuid, self.owner), "libvirt dump target")

    def last_dump_target(self, domain: DomainKey) -> DumpTarget | None:
        """The file of its last dump, if that is still held."""
        return self._dumps.target(domain.uuid, over=True) if self._dumps is not None else None

    async def job_origin(self, key: JobKey, operation: Operation) -> JobOrigin:
        """Where the running job comes from, and what it writes. For people only."""
        from backend.libvirt.host.origin import origin_of

        return await in_thread(partial(origin_of, key, operation, self.owner), "libvirt job origin")
