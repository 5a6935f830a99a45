"""The pretended dump of libvirt's test driver: ``LIBVIRT_TEST_DRIVER_DUMP_JOB``.

While that variable is set, every running domain has a dump that makes no progress, and a wait for it returns at once:
*completed* for ``0``, *failed* for any other value. The patch series for ``virsh dump --wait`` defined it for tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from backend.base import Backend, JobAnswer
from backend.errors import BackendError, NotSupported
from backend.job_stats import JobStats, JobType
from backend.model import DiskKey, DomainKey, JobKey, JobOperation, Operation
from backend.outcome import Evidence, Outcome, Verdict
from backend.simulator.backend import SimulatorBackend
from backend.status import StatusAnswer

VARIABLE = "LIBVIRT_TEST_DRIVER_DUMP_JOB"

_STATS = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, memory_total=0, memory_processed=0, memory_remaining=0)


class PretendingBackend(SimulatorBackend):
    """The simulator, with the pretended dump while the variable is set."""

    async def job(self, key: JobKey) -> JobStats | None:
        stats = await super().job(key)
        return _STATS if VARIABLE in os.environ and isinstance(key, DomainKey) else stats

    async def jobs(
        self, keys: Iterable[JobKey], on_answer: Callable[[JobKey, JobAnswer], None] | None = None
    ) -> Mapping[JobKey, JobAnswer]:
        if VARIABLE not in os.environ:
            return await super().jobs(keys, on_answer)
        answers = await super().jobs(keys)
        pretended = {
            key: stats if isinstance(key, DiskKey) or isinstance(stats, BackendError) else _STATS
            for key, stats in answers.items()
        }
        if on_answer is not None:
            for key, answer in pretended.items():
                on_answer(key, answer)
        return pretended

    async def statuses(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, StatusAnswer], None] | None = None
    ) -> Mapping[DomainKey, StatusAnswer]:
        if VARIABLE not in os.environ:
            return await super().statuses(domains, on_answer)
        return await Backend.statuses(self, domains, on_answer)

    async def job_result(self, domain: DomainKey, operation: Operation | None) -> Outcome | None:
        value = os.environ.get(VARIABLE)
        if value is None:
            return None
        await self.job(domain)  # Raises if the domain does not exist or does not run.
        if operation not in (None, JobOperation.DUMP):
            raise NotSupported(f"waiting for job type {int(operation)} not supported", code=3)
        completed = value == "0"
        return Outcome(
            domain=domain,
            operation=JobOperation.DUMP,
            verdict=Verdict.COMPLETED if completed else Verdict.FAILED,
            evidence=Evidence.RESULT,
            detail=f"{VARIABLE} is {value}.",
            error="" if completed else "dump fake fail",
        )
