"""How soon the console shows a job that was started elsewhere: from the job's begin to the paint in a real pty.

libvirt tells of no job's begin, only of the pause of a guest that ran; a guest that was paused before is found by the
sweep alone. The begin is the moment at which another connection sees the job (asked every millisecond). Dumps begin at
random moments, out of step with the sweeps.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from backend.model import DomainKey, DumpFlags, DumpFormat, DumpRequest
from backend.simulator import SimulatorBackend
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, own_folder
from tests.hypervisor.site import held_dump, site

REAL, SIMULATED = 100, 1_000
LATENCY = 20
"""ms that each call to the simulator takes."""
JOBS = 40
"""Dumps of paused guests that are timed; of running ones, half as many."""
SETTLING = 4.0
JOB = rb"dump {4,}"
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
    with site("detect", REAL) as here, PseudoTerminal([*VIRT_JOBS, "-c", here.daemon.uri], env) as console:
        console.until_painted(CURSOR)
        console.read_for(SETTLING)
        paused = delays(console, (held_dump(here, random.choice(here.domains)) for _ in range(JOBS)))
        running = here.domains[: JOBS // 2]
        for domain in running:
            here.machines.handle(domain).resume()
        console.read_for(SETTLING)
        ran = delays(console, (held_dump(here, domain) for domain in running))
    yield from _lines(f"{REAL} real domains, a paused guest", paused, 1.0)
    yield from _lines(f"{REAL} real domains, a running guest", ran, 1.0)


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
