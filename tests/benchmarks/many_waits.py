"""What 150 waits on 150 running jobs cost, and whether each hears of its job's end as promptly as a single one.

The jobs are dumps on the simulator that nobody recorded, so every wait needs samples and the dump's own file. An end is
the moment at which another stream of the same backend hears that the guest goes on.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.base import JobAnswer
from backend.dump_request import DumpRequest
from backend.events import Lifecycle, LifecycleEvent
from backend.job_stats import JobStats
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Verdict
from backend.simulator import SimulatorBackend
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.pseudo_terminal import own_folder

MANY = 150
MIB = 64
RATE = 4
"""MiB a second: each dump takes 16 s."""
STEADY = 8.0
"""Seconds that are measured while no job ends."""


class Counting(SimulatorBackend):
    """Counts the looks at jobs."""

    looks = 0

    async def job(self, domain: DomainKey) -> JobStats | None:
        self.looks += 1
        return await super().job(domain)

    async def jobs(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, JobAnswer], None] | None = None
    ) -> Mapping[DomainKey, JobAnswer]:
        keys = list(domains)
        self.looks += len(keys)
        return await super().jobs(keys, on_answer)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a number of waits."""

    looks: float
    """A second."""
    cpu: float
    """Per cent of a core, the simulator's own work included."""
    delays: list[float]
    """From each job's end to its verdict, in ms."""


def figures() -> list[Figure]:
    with own_folder():
        single = [asyncio.run(_measure(f"single-{number}", 1, 0.0)) for number in range(20)]
        many = asyncio.run(_measure("many", MANY, STEADY))
    alone = [delay for cost in single for delay in cost.delays]
    return [
        Figure(f"{MANY} waits: looks at jobs", many.looks, 700, "/s"),
        Figure(f"{MANY} waits: CPU, simulator included", many.cpu, 10, "%"),
        Figure("a job's end to its verdict, one wait, p50", percentile(alone, 0.5), None, "ms"),
        Figure(f"a job's end to its verdict, {MANY} waits, p50", percentile(many.delays, 0.5), None, "ms"),
        Figure("a job's end to its verdict, one wait, p95", percentile(alone, 0.95), None, "ms"),
        Figure(
            f"a job's end to its verdict, {MANY} waits, p95",
            percentile(many.delays, 0.95),
            percentile(alone, 0.95),
            "ms",
        ),
    ]


async def _measure(name: str, waits: int, steady: float) -> Cost:
    rate = RATE if steady else MIB
    with tempfile.TemporaryDirectory() as folder:
        async with Counting(f"sim:///{name}?domains={waits}&jobs=0&memory={MIB}&rate={rate}") as backend:
            keys = [domain.key for domain in await backend.domains()][:waits]
            ends: dict[str, float] = {}
            listener = asyncio.create_task(_listen(backend, ends, waits))
            waiting = []
            for number, key in enumerate(keys):
                await backend.begin_dump(DumpRequest(key, str(Path(folder) / f"{number}")))
                waiting.append(asyncio.create_task(_wait(backend, key)))
                if steady:
                    await asyncio.sleep(0.02)  # They end one after the other, too.
            begun, cpu, looks = time.monotonic(), time.process_time(), backend.looks
            await asyncio.sleep(steady)
            seconds = time.monotonic() - begun
            cost = (backend.looks - looks) / (seconds or 1), 100 * (time.process_time() - cpu) / (seconds or 1)
            verdicts = dict(zip((key.uuid for key in keys), await asyncio.gather(*waiting), strict=True))
            await listener
    return Cost(*cost, [1000 * (verdicts[uuid] - end) for uuid, end in ends.items()])


async def _listen(backend: SimulatorBackend, ends: dict[str, float], count: int) -> None:
    async with backend.events() as events:
        async for event in events:
            if isinstance(event, LifecycleEvent) and event.event is Lifecycle.RESUMED:
                ends[event.domain.uuid] = time.monotonic()
                if len(ends) == count:
                    return


async def _wait(backend: SimulatorBackend, key: DomainKey) -> float:
    outcome = await wait(backend, key)
    assert outcome.verdict is Verdict.COMPLETED, outcome
    return time.monotonic()
