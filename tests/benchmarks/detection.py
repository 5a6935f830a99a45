"""How soon the console shows a job that was started elsewhere: from the job's begin to the paint in a real pty.

A read-write connection is told of every begin but that of a memory-only dump of a guest that is paused, which is found
by the sweep alone; a read-only one is told only of the pause of a guest that ran. The begin is the moment at which
another connection sees the job (asked every millisecond). Dumps begin at random moments, out of step with the sweeps.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.model import DomainKey
from backend.simulator import SimulatorBackend
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, own_folder
from tests.hypervisor.site import held_dump, let_run, site

REAL, PAUSED, SIMULATED = 100, 5, 1_000
LATENCY = 20
"""ms that each call to the simulator takes."""
JOBS = 40
"""Dumps of each kind that are timed."""
SETTLING = 4.0
JOB = rb"dump"
"""A job in its column of the table."""


def figures() -> list[Figure]:
    with own_folder() as env:
        return [*_real(env), *_simulated(env)]


def delays(console: PseudoTerminal, dumps: Iterator[AbstractContextManager[float]]) -> list[float]:
    """Seconds from each dump's begin to its job on the screen."""
    found = []
    for dump in dumps:
        console.read_for(random.uniform(0.6, 1.6))
        console.forget()
        with dump as began:
            found.append(max(0.0, console.until_painted(JOB) - began))
    return found


def _real(env: Mapping[str, str]) -> Iterator[Figure]:
    with site("detect", REAL) as here:
        paused, running = here.domains[:PAUSED], here.domains[PAUSED:]
        let_run(here, running)
        kinds: Mapping[str, Callable[[], AbstractContextManager[float]]] = {
            "a memory-only dump of a running guest": lambda: held_dump(here, random.choice(running)),
            "a raw dump of a running guest": lambda: held_dump(here, random.choice(running), memory_only=False),
            "a memory-only dump of a paused guest": lambda: held_dump(here, random.choice(paused)),
        }
        for access, options in (("read-write", ()), ("read-only", ("--readonly",))):
            with PseudoTerminal([*VIRT_JOBS, *options, "-c", here.daemon.uri], env) as console:
                console.until_painted(CURSOR)
                console.read_for(SETTLING)
                for what, dump in kinds.items():
                    found = delays(console, (dump() for _ in range(JOBS)))
                    told = access == "read-write" and "paused" not in what
                    yield from _lines(f"{REAL} real domains, {access}, {what}", found, 0.15 if told else 1.0)


def _simulated(env: Mapping[str, str]) -> Iterator[Figure]:
    uri = f"sim:///detect?domains={SIMULATED}&jobs=0&memory=16&latency={LATENCY}"
    subprocess.run([*VIRT_JOBS, "-c", uri, "list"], env=env, stdout=subprocess.DEVNULL, check=True)
    with asyncio.Runner() as runner, PseudoTerminal([*VIRT_JOBS, "-c", uri], env) as console:
        hypervisor = SimulatorBackend("sim:///detect?rate=1")
        runner.run(hypervisor.open())
        guest = runner.run(_paused_guest(hypervisor))
        console.until_painted(CURSOR)
        console.read_for(SETTLING)
        found = delays(console, (_simulated_dump(runner, hypervisor, guest) for _ in range(JOBS)))
        runner.run(hypervisor.close())
    yield from _lines(f"{SIMULATED:,} simulated domains, latency {LATENCY} ms, a paused guest", found, 3.0)


async def _paused_guest(hypervisor: SimulatorBackend) -> DomainKey:
    domain = await hypervisor.define("paused", 16 << 20)
    return await hypervisor.start(domain.key, paused=True)


@contextmanager
def _simulated_dump(runner: asyncio.Runner, hypervisor: SimulatorBackend, guest: DomainKey) -> Iterator[float]:
    runner.run(hypervisor.begin_dump(DumpRequest(guest, "/dev/null", DumpFormat.RAW, DumpFlags.NONE)))
    yield time.perf_counter()
    runner.run(hypervisor.abort(guest))


def _lines(what: str, found: list[float], target: float) -> Iterator[Figure]:
    for share, aim in ((0.5, None), (0.95, target)):
        yield Figure(f"a job's begin to the screen, {what}, p{share * 100:.0f}", percentile(found, share), aim, "s")
