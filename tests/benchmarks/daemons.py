"""Daemons of the benchmarks' own, with small paused domains, and dumps that begin when asked and last until let go."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt

from backend.model import DomainKey
from tests.hypervisor.daemon import Machines, PrivateDaemon, virsh_dump

MIB = 16
LIMIT = 30.0
"""Seconds after which something that should have happened has not."""


@dataclass(frozen=True, slots=True)
class Site:
    """One daemon with its domains."""

    daemon: PrivateDaemon
    machines: Machines
    domains: list[DomainKey]


@contextmanager
def site(host: str, domains: int) -> Iterator[Site]:
    """A daemon that takes itself for that host, with so many paused domains, named after it."""
    folder = Path(tempfile.mkdtemp(prefix="vj-"))
    daemon = PrivateDaemon(folder, host)
    try:
        daemon.start()
        with Machines(daemon.uri) as machines:
            keys = [machines.start(f"{host}-{number:03}", MIB, paused=True) for number in range(domains)]
            yield Site(daemon, machines, keys)
    finally:
        daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def held_dump(site: Site, domain: DomainKey) -> Iterator[float]:
    """Someone else's dump of `domain`, which makes no headway until the block ends; when its job had begun."""
    with tempfile.TemporaryDirectory(prefix="dump-", dir=site.daemon.folder) as folder:
        target = Path(folder) / "fifo"
        target.parent.chmod(0o755)
        os.mkfifo(target)
        target.chmod(0o666)
        # Whoever opens it finds a reader, and hangs only once the pipe is full.
        with open(os.open(target, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
            asked = time.perf_counter()
            dump = virsh_dump(site.daemon.uri, domain, target, "--memory-only")
            began = _begun(site.machines.handle(domain), asked)
            try:
                yield began
            finally:
                os.set_blocking(reader.fileno(), True)
                while reader.read(1 << 20):
                    pass
                dump.wait()


def _begun(handle: Any, asked: float) -> float:
    while time.perf_counter() < asked + LIMIT:
        if handle.jobStats()["type"] != libvirt.VIR_DOMAIN_JOB_NONE:
            return time.perf_counter()
        threading.Event().wait(0.001)
    raise TimeoutError("the dump never began")
