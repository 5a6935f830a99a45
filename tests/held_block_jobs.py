"""Jobs of disks on simulated domains, which go on and end only where a test says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from backend.base import BlockJobsAnswer
from backend.errors import NoJob, OperationFailed
from backend.events import BlockJobEvent, BlockJobStatus
from backend.model import BlockOperation, DiskKey, DiskSource, DomainKey, JobKey, JobStats
from backend.simulator import SimulatorBackend

SOURCE, TARGET = "/images/old.qcow2", "/images/new.qcow2"
TOTAL = 1 << 30


class HeldBlockJobs:
    """Takes the place of the simulator's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pivots: list[str] = []
        """The disks that were pivoted."""
        self._jobs: dict[tuple[str, str], JobStats] = {}
        self._backends: set[SimulatorBackend] = set()
        self._keys: dict[str, DomainKey] = {}
        held, look_at_domain, abort_domain = self, SimulatorBackend.job, SimulatorBackend.abort

        async def block_jobs(
            backend: SimulatorBackend, domains: Iterable[DomainKey]
        ) -> Mapping[DomainKey, BlockJobsAnswer]:
            held._backends.add(backend)
            held._keys |= {domain.name: domain for domain in domains}
            return {
                domain: [stats for (name, _), stats in sorted(held._jobs.items()) if name == domain.name]
                for domain in domains
            }

        async def job(backend: SimulatorBackend, key: JobKey) -> JobStats | None:
            if isinstance(key, DiskKey):
                return held._jobs.get((key.domain.name, key.disk))
            return await look_at_domain(backend, key)

        async def disk_source(backend: SimulatorBackend, key: DiskKey) -> DiskSource | None:
            stats = held._jobs.get((key.domain.name, key.disk))
            mirrors = stats is not None and BlockOperation(stats.operation).becomes_ready
            return DiskSource(SOURCE, ("/images/base.qcow2",), TARGET if mirrors else None, bool(stats and stats.ready))

        async def abort(backend: SimulatorBackend, key: JobKey, postcopy: bool = False) -> None:
            if not isinstance(key, DiskKey):
                await abort_domain(backend, key, postcopy)
            elif (key.domain.name, key.disk) not in held._jobs:
                raise NoJob(f"{key.domain.name} has no job on {key.disk}")
            else:
                held.end(key.domain.name, key.disk, BlockJobStatus.CANCELED)

        async def pivot(backend: SimulatorBackend, key: DiskKey) -> None:
            if not held._jobs[key.domain.name, key.disk].ready:
                raise OperationFailed("the block job is not ready for pivot yet")
            held.pivots.append(key.disk)
            held.end(key.domain.name, key.disk, BlockJobStatus.COMPLETED)

        for name, method in {
            "block_jobs": block_jobs,
            "job": job,
            "disk_source": disk_source,
            "abort": abort,
            "pivot": pivot,
        }.items():
            monkeypatch.setattr(SimulatorBackend, name, method)

    def put(
        self,
        domain: str,
        disk: str,
        operation: BlockOperation = BlockOperation.COPY,
        done: float = 0.25,
        ready: bool = False,
    ) -> None:
        """Begin a job, or move it on."""
        self._jobs[domain, disk] = JobStats.of_block_job(disk, operation, int(TOTAL * done), TOTAL, ready)
        if ready:
            self._report(domain, disk, operation, BlockJobStatus.READY)

    def end(self, domain: str, disk: str, status: BlockJobStatus) -> None:
        """End one, and report it."""
        operation = BlockOperation(self._jobs.pop((domain, disk)).operation)
        self._report(domain, disk, operation, status)

    def _report(self, domain: str, disk: str, operation: BlockOperation, status: BlockJobStatus) -> None:
        for backend in self._backends:
            if (key := self._keys.get(domain)) is not None:
                backend._hub.put(BlockJobEvent(key, disk, operation, status))
