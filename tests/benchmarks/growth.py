"""How the costs grow with the number of domains: simulated ones, one host and ten, and real ones where asked for.

``VIRT_JOBS_REAL_DOMAINS=100,300`` starts so many real domains of 16 MiB, paused, on a daemon of its own, and removes
them afterwards: 300 take some 12 GB and minutes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from statistics import median

from backend.base import Backend
from backend.libvirt.backend import LibvirtBackend
from backend.observing.views import Changes
from backend.observing.watcher import Watcher
from backend.simulator import SimulatorBackend
from tests.benchmarks.figures import Figure
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, cpu_of, own_folder
from tests.conftest import hypervisor_missing
from tests.hypervisor.daemon import PrivateDaemon
from tests.hypervisor.site import site

SIMULATED = (100, 1_000, 10_000)
HOSTS, EACH, LATENCY = 10, 1_000, 20
"""A fleet: hosts, domains on each, and the ms that each call to them takes."""
REAL = "VIRT_JOBS_REAL_DOMAINS"
SWEEPS = 5
WATCHED = 10.0
"""Seconds that CPU is measured for."""
LINEAR = 12.0
"""How many times as long ten times as many domains may take."""


def figures() -> list[Figure]:
    with own_folder() as env:
        found = _simulated(env)
        found += _fleet(env)
        counts = [int(count) for count in os.environ.get(REAL, "").split(",") if count]
        if counts and (missing := hypervisor_missing()) is None:
            for count in counts:
                with site("growth", count) as here:
                    found += _of_real(env, here.daemon, count)
        elif counts:
            raise RuntimeError(missing)
    return found


def _simulated(env: dict[str, str]) -> list[Figure]:
    found, sweeps, lists = [], [], []
    for count in SIMULATED:
        uri = f"sim:///growth-{count}?domains={count}&jobs=0"
        seconds = _listed(env, uri)  # Makes it, too.
        lists.append(min(seconds, _listed(env, uri)))
        first, sweep, share = asyncio.run(_watched(SimulatorBackend(uri), count))
        sweeps.append(sweep)
        what = f"{count:,} simulated domains"
        found += _costs(what, first, sweep, share)
        found.append(Figure(f"virt-jobs list, {what}", lists[-1] * 1000, None, "ms"))
    more = f"{SIMULATED[-1]:,} / {SIMULATED[-2]:,} simulated domains"
    found.append(Figure(f"sweep, {more}", sweeps[-1] / sweeps[-2], LINEAR, "x"))
    found.append(Figure(f"virt-jobs list, {more}", lists[-1] / lists[-2], LINEAR, "x"))
    return found


def _fleet(env: dict[str, str]) -> list[Figure]:
    uris = [f"sim:///growth-of-{n}?domains={EACH}&jobs=0&latency={LATENCY}" for n in range(HOSTS)]
    _listed(env, *uris)
    fleet, one = _listed(env, *uris), _listed(env, uris[0])
    first, share = asyncio.run(_watched_at_once([SimulatorBackend(uri) for uri in uris]))
    what = f"{HOSTS} hosts x {EACH:,} simulated domains, {LATENCY} ms a call"
    return [
        Figure(f"open to all domains shown by {HOSTS} watchers, {what}", first * 1000, None, "ms"),
        Figure(f"CPU of {HOSTS} watchers at rest, {what}", share * 100, None, "%"),
        Figure(f"virt-jobs list, {what}", fleet * 1000, None, "ms"),
        Figure(f"virt-jobs list, {HOSTS} hosts / 1 host, {EACH:,} simulated domains each", fleet / one, HOSTS, "x"),
    ]


def _of_real(env: dict[str, str], daemon: PrivateDaemon, count: int) -> Iterator[Figure]:
    what = f"{count} real domains"
    yield from _costs(what, *asyncio.run(_watched(LibvirtBackend(daemon.uri), count)))
    lists = [_listed(env, daemon.uri) for _ in range(SWEEPS)]
    virsh = [_took(env, ["virsh", "-c", daemon.uri, "list", "--all"]) for _ in range(SWEEPS)]
    yield Figure(f"virt-jobs list, {what}", median(lists) * 1000, None, "ms")
    yield Figure(f"virt-jobs list / virsh list, {what}", median(lists) / median(virsh), 5.0, "x")
    with PseudoTerminal([*VIRT_JOBS, "-c", daemon.uri], env) as console:
        painted = console.until_painted(CURSOR) - console.began
        console.read_for(5.0)
        cpu, theirs = console.cpu, cpu_of(daemon.pid)
        console.read_for(WATCHED)
        yield Figure(f"start to full paint, {what}", painted * 1000, None, "ms")
        yield Figure(f"CPU of the console at rest, {what}", (console.cpu - cpu) / WATCHED * 100, None, "%")
        yield Figure(f"CPU of its daemon, {what}", (cpu_of(daemon.pid) - theirs) / WATCHED * 100, None, "%")


def _costs(what: str, first: float, sweep: float, share: float) -> list[Figure]:
    return [
        Figure(f"open to all domains shown, {what}", first * 1000, None, "ms"),
        Figure(f"sweep, {what}", sweep * 1000, None, "ms"),
        Figure(f"CPU of a watcher at rest, {what}", share * 100, None, "%"),
    ]


async def _watched(backend: Backend, count: int) -> tuple[float, float, float]:
    """Seconds from opening it to `count` domains shown, seconds of a sweep, and the part of a core at rest."""
    began = time.perf_counter()
    async with backend, _watching(backend, count) as shown:
        await shown.wait()
        first = time.perf_counter() - began
        keys = [domain.key for domain in await backend.domains()]
        sweeps = []
        for _ in range(SWEEPS):
            began = time.perf_counter()
            await backend.jobs(keys)
            sweeps.append(time.perf_counter() - began)
        return first, median(sweeps), await _cpu_at_rest()


async def _watched_at_once(backends: Sequence[Backend]) -> tuple[float, float]:
    began = time.perf_counter()

    async def all_shown(backend: Backend, over: asyncio.Event) -> float:
        async with backend, _watching(backend, EACH) as shown:
            await shown.wait()
            first = time.perf_counter() - began
            await over.wait()
            return first

    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watched = [group.create_task(all_shown(backend, over)) for backend in backends]
        await asyncio.sleep(WATCHED / 2)
        share = await _cpu_at_rest()
        over.set()
    return max(task.result() for task in watched), share


@asynccontextmanager
async def _watching(backend: Backend, count: int) -> AsyncIterator[asyncio.Event]:
    """A watcher; the event is set once it has shown that many domains."""
    known, shown = set[str](), asyncio.Event()

    def report(changes: Changes) -> None:
        known.update(view.domain.key.uuid for view in changes.changed)
        if len(known) >= count:
            shown.set()

    watching = asyncio.create_task(Watcher(backend).run(report))
    try:
        yield shown
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _cpu_at_rest() -> float:
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(WATCHED)
    return (time.process_time() - cpu) / (time.perf_counter() - began)


def _listed(env: dict[str, str], *uris: str) -> float:
    """Seconds that the list takes as a process."""
    return _took(env, [*VIRT_JOBS, *(word for uri in uris for word in ("-c", uri)), "list"])


def _took(env: dict[str, str], command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
