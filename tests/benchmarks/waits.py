"""From a job's end to the waiter's: real dumps by our runner, waited for by a backend and by a process.

The job's end is the moment at which the runner's dump call had returned (the record's `ended`, on this machine's own
clock). As a stricter measure stands beside it the RESUMED event as an independent connection hears it, which libvirt
sends before the job is over.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.dump_request import DumpRequest
from backend.event_stream import EventStream
from backend.events import Lifecycle, LifecycleEvent
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.running.start import start_dump
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.pseudo_terminal import own_folder
from tests.hypervisor.daemon import SYSTEM, Machines, unique

DUMPS = 50
MIB = 512
"""Memory of the domain: its dump takes long enough for a process to attach."""
RETURNED, EXITED = 30.0, 70.0
"""ms."""


@dataclass(frozen=True, slots=True)
class Delays:
    """Of one dump, in ms: from its end, and from the guest's RESUMED event, to each waiter's end."""

    waited: float
    exited: float
    resumed_waited: float
    resumed_exited: float


def figures() -> list[Figure]:
    with own_folder() as env, Machines() as machines:
        folder = Path(env["XDG_STATE_HOME"]).parent
        delays = asyncio.run(_measure(machines.start(unique("bench"), MIB), folder))
    kinds: list[tuple[str, Callable[[Delays], float], float | None]] = [
        ("a job's end to wait() returning", lambda delay: delay.waited, RETURNED),
        ("a job's end to `virt-jobs wait` exiting", lambda delay: delay.exited, EXITED),
        ("the guest's RESUMED to wait() returning", lambda delay: delay.resumed_waited, None),
        ("the guest's RESUMED to `virt-jobs wait` exiting", lambda delay: delay.resumed_exited, None),
    ]
    return [
        Figure(f"{what}, p{share:.0%}".replace("%", ""), percentile(list(map(of, delays)), share), target, "ms")
        for what, of, most in kinds
        for share, target in ((0.5, None), (0.95, most))
    ]


async def _measure(domain: DomainKey, folder: Path) -> list[Delays]:
    delays: list[Delays] = []
    async with LibvirtBackend(SYSTEM) as asker, LibvirtBackend(SYSTEM) as waiter, LibvirtBackend(SYSTEM) as listener:
        while len(delays) < DUMPS:
            async with listener.events() as events:
                found = await _one(asker, waiter, events, DumpRequest(domain, str(folder / "dump")))
            if found is not None:
                delays.append(found)
    return delays


async def _one(
    asker: LibvirtBackend, waiter: LibvirtBackend, events: EventStream, request: DumpRequest
) -> Delays | None:
    """None where the dump was over before the process had attached."""
    record = await start_dump(asker, request, overwrite=True)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "-c", SYSTEM, "wait", "--json", request.domain.uuid),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    waited, exited, resumed, first = await asyncio.gather(
        _wait(waiter, record), _exit(process), _resumed(events, request.domain), process.stdout.readline()
    )
    ended = Journal().read(record.id)
    assert ended is not None
    assert ended.ended is not None
    if not first or json.loads(first)["event"] != "progress":
        return None
    return Delays(*(1000 * (late - early) for early in (ended.ended, resumed) for late in (waited, exited)))


async def _wait(waiter: LibvirtBackend, record: JobRecord) -> float:
    outcome = await wait(waiter, record.key)
    now = time.time()
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT), outcome
    return now


async def _exit(process: asyncio.subprocess.Process) -> float:
    await process.wait()
    return time.time()


async def _resumed(events: EventStream, domain: DomainKey) -> float:
    async for event in events:
        if isinstance(event, LifecycleEvent) and event.event is Lifecycle.RESUMED and event.domain.uuid == domain.uuid:
            break
    return time.time()
