"""The calls that change something."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from backend.base import Backend
from backend.errors import DomainBusy, DomainNotRunning, NoJob, NotSupported, OperationFailed
from backend.job_stats import Postcopy
from backend.libvirt import block_jobs, domain_job, metadata, migration
from backend.libvirt.connection.pool import Pool
from backend.libvirt.errors import INVALID, NO_DISK, NOT_READY
from backend.model import BlockOperation, DiskKey, DomainKey, JobKey, JobOperation, MigrationLimits

if TYPE_CHECKING:
    from backend.records.entry import JobEntry
    from backend.records.record import JobRecord


class Orders(Backend):
    """The part of the contract that orders something. No order is given that would wait for the end of a job: libvirt
    would carry it out long after the caller has given up."""

    _polling: Pool
    """Answers queries; while it is lost, nothing is ordered."""
    _control: Pool
    """Takes the orders."""

    async def abort(self, key: JobKey, postcopy: bool = False) -> None:
        if isinstance(key, DiskKey):
            await self._end_block_job(key, partial(block_jobs.abort, key.disk))
            return
        try:
            await self._order(key, migration.abort_postcopy if postcopy else domain_job.abort)
        except OperationFailed as error:
            if error.code != INVALID:
                raise
            if await self.job(key) is None:
                raise NoJob(f"{key.name} has no job to abort", code=error.code) from None
            raise NotSupported(error.message, code=error.code) from None

    async def pivot(self, key: DiskKey) -> None:
        await self._end_block_job(key, partial(block_jobs.pivot, key.disk))

    async def limit_migration(self, domain: DomainKey, limits: MigrationLimits) -> None:
        if domain.id is None:  # libvirt would set some of them, for nothing.
            raise DomainNotRunning(f"{domain.name} is not running")
        await self._order(domain, partial(migration.limit, limits))

    async def start_postcopy(self, domain: DomainKey) -> None:
        try:
            await self._order(domain, migration.start_postcopy)
        except OperationFailed as error:
            if error.code != INVALID:
                raise
            job = await self.job(domain)
            if job is None or job.operation != JobOperation.MIGRATION_OUT:
                raise NoJob(f"{domain.name} is not migrating to another host", code=error.code) from None
            raise NotSupported(error.message, code=error.code) from None

    async def resume(self, domain: DomainKey) -> None:
        await self._idle(domain)
        await self._order(domain, lambda handle: handle.resume())

    async def publish(self, record: JobRecord) -> None:
        await self._idle(record.key)
        await self._order(record.key, lambda handle: metadata.write(handle, record))

    async def publish_claims(self, domain: DomainKey, claims: Sequence[JobEntry]) -> None:
        if domain.id is not None:
            with contextlib.suppress(DomainNotRunning):
                await self._idle(domain)
        self._polling.check()
        await self._control.call(
            domain, lambda connection: metadata.write_claims(connection.conn.lookupByUUIDString(domain.uuid), claims)
        )

    async def _order(self, domain: DomainKey, order: Callable[[Any], object]) -> None:
        """Call the domain's own handle."""
        self._polling.check()
        await self._control.call(domain, lambda connection: order(connection.look_up(domain)))

    async def _end_block_job(self, key: DiskKey, order: Callable[[Any], object]) -> None:
        await self._idle(key.domain, but_for=JobOperation.BACKUP)
        try:
            await self._order(key.domain, order)
        except (NotSupported, OperationFailed) as error:
            if error.code == NO_DISK:
                raise NoJob(f"{key.domain.name} has no job on {key.disk}", code=error.code) from None
            if error.code != NOT_READY:
                raise
            job = await self.job(key)
            if job is None or (isinstance(job.operation, BlockOperation) and job.operation.becomes_ready):
                raise
            raise NotSupported(
                f"{key.disk} has nothing to pivot to: a {job.operation.label} does not mirror", code=error.code
            ) from None

    async def _idle(self, domain: DomainKey, but_for: JobOperation | None = None) -> None:
        """DomainBusy if the domain has a job, other than `but_for`."""
        job = await self.job(domain)
        if job is not None and job.postcopy is Postcopy.FAILED:
            raise DomainBusy(
                f"{domain.name}: its post-copy failed, and only a recovery of the migration goes on with it"
            )
        if job is not None and job.operation != but_for:
            raise DomainBusy(f"{domain.name} has a job ({job.operation.label}); this has to wait for its end")
