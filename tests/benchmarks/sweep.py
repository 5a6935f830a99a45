"""100 real domains: one sweep beside the bare loop of calls and a loop of virsh; the list; the console's start."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable
from statistics import median

import libvirt

from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey
from tests.benchmarks.figures import Figure
from tests.benchmarks.pseudo_terminal import own_folder
from tests.benchmarks.start import first_paints, listing
from tests.hypervisor.site import site

DOMAINS = 100
SWEEPS = 50
LOOPS = 3
"""Runs of virsh's loop, which takes over a second each time."""


def figures() -> list[Figure]:
    with own_folder() as env, site("sweep", DOMAINS) as here:
        what = f"{DOMAINS} real domains"
        bare, sweep = asyncio.run(_sweeps(here.daemon.uri, here.domains))
        loop = median(_virsh_loop(here.daemon.uri, here.domains) for _ in range(LOOPS))
        return [
            Figure(f"sweep / bare loop of jobStats calls, {what}", sweep / bare, 1.3, "x"),
            Figure(f"sweep / loop of virsh domjobinfo, {what}", sweep / loop, 1 / 50, "x"),
            Figure(f"bare loop of jobStats calls, {what}", bare * 1000, None, "ms"),
            Figure(f"sweep, {what}", sweep * 1000, None, "ms"),
            Figure(f"loop of virsh domjobinfo, {what}", loop * 1000, None, "ms"),
            *listing(env, here.daemon.uri, what),
            *first_paints(env, {what: here.daemon.uri}),
        ]


async def _sweeps(uri: str, domains: list[DomainKey]) -> tuple[float, float]:
    """Seconds of the bare loop on a connection of its own, and of the backend's sweep; in turns."""
    conn = libvirt.open(uri)
    handles = [conn.lookupByUUIDString(domain.uuid) for domain in domains]

    def bare() -> None:
        for handle in handles:
            handle.jobStats()

    async with LibvirtBackend(uri) as backend:
        await backend.domains()
        took = [
            (await _took(lambda: asyncio.to_thread(bare)), await _took(lambda: backend.jobs(domains)))
            for _ in range(SWEEPS)
        ]
    conn.close()
    alone, ours = zip(*took, strict=True)
    return median(alone), median(ours)


async def _took(do: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await do()
    return time.perf_counter() - began


def _virsh_loop(uri: str, domains: list[DomainKey]) -> float:
    began = time.perf_counter()
    for domain in domains:
        subprocess.run(["virsh", "-c", uri, "domjobinfo", domain.uuid], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
