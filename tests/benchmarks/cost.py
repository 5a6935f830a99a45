"""What the console costs itself and the daemon, idle and busy, and what watching costs a dump.

A daemon of its own with 100 real domains, 95 of them running. Busy: ten of them have a dump that makes no headway, so
that nothing but the watching is measured. A dump's length is that of virsh's own call, in pairs, watched and unwatched
in turns.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from backend.model import DomainKey
from tests.benchmarks.figures import Figure
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, cpu_of, own_folder
from tests.hypervisor.daemon import virsh_dump
from tests.hypervisor.disk import small_disk
from tests.hypervisor.site import Site, held_dump, let_run, site

DOMAINS, PAUSED, JOBS = 100, 5, 10
SETTLING, SECONDS = 6.0, 20.0
PAIRS = 40
PAUSE = 1.0
MIB = 1024
"""Memory of the domain whose dump is timed."""


@dataclass(frozen=True, slots=True)
class Load:
    """Parts of one core."""

    console: float
    daemon: float


def figures() -> list[Figure]:
    with own_folder() as env, site("cost", DOMAINS) as here:
        let_run(here, here.domains[PAUSED:])
        return [*_cpu(env, here), *_dumps(env, here)]


def _cpu(env: Mapping[str, str], here: Site) -> Iterator[Figure]:
    alone = _daemon_alone(here)
    with PseudoTerminal([*VIRT_JOBS, "-c", here.daemon.uri], env) as console, ExitStack() as dumps:
        console.until_painted(CURSOR)
        idle = _load(console, here)
        for domain in here.domains[:JOBS]:
            dumps.enter_context(held_dump(here, domain))
        busy = _load(console, here)
    watched = f"{DOMAINS} real idle domains"
    yield Figure(f"CPU of the daemon, {DOMAINS} domains, no console", alone * 100, None, "%")
    yield Figure(f"CPU of the daemon, {watched}", idle.daemon * 100, 0.3, "%")
    yield Figure(f"CPU of the console, {watched}", idle.console * 100, 0.5, "%")
    yield Figure(f"CPU of the daemon, {JOBS} of them have a job", busy.daemon * 100, None, "%")
    yield Figure(f"CPU of the console, {JOBS} of them have a job", busy.console * 100, 10.0, "%")


def _load(console: PseudoTerminal, here: Site) -> Load:
    console.read_for(SETTLING)
    ours, theirs, began = console.cpu, cpu_of(here.daemon.pid), time.perf_counter()
    console.read_for(SECONDS)
    took = time.perf_counter() - began
    return Load((console.cpu - ours) / took, (cpu_of(here.daemon.pid) - theirs) / took)


def _daemon_alone(here: Site) -> float:
    before, began = cpu_of(here.daemon.pid), time.perf_counter()
    time.sleep(SECONDS / 2)
    return (cpu_of(here.daemon.pid) - before) / (time.perf_counter() - began)


def _dumps(env: Mapping[str, str], here: Site) -> Iterator[Figure]:
    """Dumps of one domain to memory, for disks differ by more; while one is not watched, the console is stopped."""
    domain = here.machines.start("dumped", MIB, filled=True)
    alone: list[float] = []
    watched: list[float] = []
    with (
        small_disk(here.daemon.folder / "disk", MIB + 128) as disk,
        PseudoTerminal([*VIRT_JOBS, "-c", here.daemon.uri], env) as console,
    ):
        console.until_painted(CURSOR)
        for pair in range(PAIRS):
            for stopped in (True, False) if pair % 2 else (False, True):
                console.read_for(PAUSE)
                if stopped:
                    os.kill(console.pid, signal.SIGSTOP)
                dump = dump_to(here, domain, disk / "core")
                while not dump.done():
                    console.read_for(0.05)
                os.kill(console.pid, signal.SIGCONT)
                (alone if stopped else watched).append(dump.result())
    ratios = [seen / unseen for seen, unseen in zip(watched, alone, strict=True)]
    yield Figure("a dump of 1 GiB to memory, unwatched", median(alone), None, "s")
    yield Figure("a dump's length, watched to unwatched, median of pairs", median(ratios), 1.02, "times")


def dump_to(here: Site, domain: DomainKey, target: Path) -> Future[float]:
    """Seconds that a dump takes whoever asks for it; the file is removed afterwards."""

    def run() -> float:
        began = time.perf_counter()
        if virsh_dump(here.daemon.uri, domain, target, "--memory-only").wait():
            raise RuntimeError("the dump failed")
        took = time.perf_counter() - began
        target.unlink()
        return took

    pool = ThreadPoolExecutor(1)
    dump = pool.submit(run)
    pool.shutdown(wait=False)
    return dump
