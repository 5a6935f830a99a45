"""What the witness of a host costs, idle, and what it costs a dump.

A daemon of its own with 100 real domains, 95 of them running. A dump's length is that of virsh's own call, in pairs,
witnessed and not in turns: for the latter, the witness is stopped.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks.cost import DOMAINS, MIB, PAIRS, PAUSED, SECONDS, SETTLING, dump_to
from tests.benchmarks.figures import Figure
from tests.benchmarks.pseudo_terminal import VIRT_JOBS, cpu_of, own_folder
from tests.eventually import eventually
from tests.hypervisor.daemon import resident
from tests.hypervisor.disk import small_disk
from tests.hypervisor.site import Site, let_run, site

PAUSE = 3.0
"""Seconds between two dumps, in which the witness has done with the one before."""


def figures() -> list[Figure]:
    with own_folder() as env, site("witness", DOMAINS) as here:
        let_run(here, here.domains[PAUSED:])
        with _witness(env, here) as pid:
            return [*_idle(pid, here), *_dumps(pid, here)]


@contextmanager
def _witness(env: Mapping[str, str], here: Site) -> Iterator[int]:
    """The pid of a witness that watches the site."""
    log = here.daemon.folder / "witness.log"
    folder = {"VIRT_JOBS_HOST_FOLDER": str(here.daemon.folder / "host")}
    with log.open("wb") as output:
        command = [*VIRT_JOBS, "-c", here.daemon.uri, "witness"]
        process = subprocess.Popen(command, env={**env, **folder}, stderr=output)
    try:
        eventually(lambda: "connected to" in log.read_text())
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _idle(pid: int, here: Site) -> Iterator[Figure]:
    threading.Event().wait(SETTLING)
    ours, theirs, began = cpu_of(pid), cpu_of(here.daemon.pid), time.perf_counter()
    threading.Event().wait(3 * SECONDS)
    took = time.perf_counter() - began
    watched = f"{DOMAINS} real idle domains"
    yield Figure(f"CPU of the witness, {watched}", (cpu_of(pid) - ours) / took * 100, 0.3, "%")
    yield Figure(f"CPU of the daemon, {watched}", (cpu_of(here.daemon.pid) - theirs) / took * 100, 0.3, "%")
    yield Figure(f"memory of the witness, {watched}", resident(pid) / 1e6, 60, "MB")


def _dumps(pid: int, here: Site) -> Iterator[Figure]:
    domain = here.machines.start("dumped", MIB, filled=True)
    alone: list[float] = []
    witnessed: list[float] = []
    with small_disk(here.daemon.folder / "disk", MIB + 128) as disk:
        for pair in range(PAIRS):
            for stopped in (True, False) if pair % 2 else (False, True):
                threading.Event().wait(PAUSE)
                if stopped:
                    os.kill(pid, signal.SIGSTOP)
                took = dump_to(here, domain, Path(disk) / "core").result()
                os.kill(pid, signal.SIGCONT)
                (alone if stopped else witnessed).append(took)
    ratios = [seen / unseen for seen, unseen in zip(witnessed, alone, strict=True)]
    yield Figure("a dump of 1 GiB to memory, not witnessed", median(alone), None, "s")
    yield Figure("a dump's length, witnessed to not witnessed, median of pairs", median(ratios), 1.02, "times")
