"""A host of a fleet: a daemon of its own with small paused domains, and dumps there that make no headway, or hang."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libvirt

from backend.model import DomainKey
from tests.eventually import eventually
from tests.hypervisor.daemon import Fifo, Machines, PrivateDaemon, virsh_dump

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
    """A daemon that takes itself for that host, with so many paused domains, named after it.

    They are removed with it, whatever state it is in.
    """
    folder = Path(tempfile.mkdtemp(prefix="vj-"))
    daemon = PrivateDaemon(folder, host)
    try:
        daemon.start()
        machines = Machines(daemon.uri)
        yield Site(daemon, machines, [machines.start(f"{host}-{number:03}", MIB, True) for number in range(domains)])
    finally:
        daemon.stop()
        _end_processes(folder)
        shutil.rmtree(folder, ignore_errors=True)


def let_run(site: Site, domains: Iterable[DomainKey]) -> None:
    """Let these run; they halt as soon as they do."""
    for domain in domains:
        site.machines.handle(domain).resume()


@contextmanager
def held_dump(site: Site, domain: DomainKey, memory_only: bool = True) -> Iterator[float]:
    """Someone else's dump of `domain`, which makes no headway until the block ends; when its job had begun."""
    with tempfile.TemporaryDirectory(prefix="dump-", dir=site.daemon.folder) as folder:
        target = Path(folder) / "fifo"
        target.parent.chmod(0o755)
        os.mkfifo(target)
        target.chmod(0o666)
        # Whoever opens it finds a reader, and hangs only once the pipe is full.
        with open(os.open(target, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
            asked = time.perf_counter()
            dump = virsh_dump(site.daemon.uri, domain, target, *(["--memory-only"] if memory_only else []))
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


@contextmanager
def hung_dump(daemon: PrivateDaemon, domain: DomainKey) -> Iterator[None]:
    """Someone else's dump of `domain` that hangs in opening its target until the block ends, and the domain with it."""
    with tempfile.TemporaryDirectory(prefix="dump-", dir=daemon.folder) as folder:
        os.chmod(folder, 0o755)
        fifo = Fifo(Path(folder) / "fifo")
        fifo.path.chmod(0o666)
        before = _opening(daemon)
        dump = threading.Thread(target=_dump, args=(daemon.uri, domain, fifo.path), daemon=True)
        dump.start()
        try:
            eventually(lambda: _opening(daemon) > before)
            yield
        finally:
            fifo.release()
            # Where the daemon has no worker left for it, it may have to wait for the end of other ones that hang.
            dump.join(LIMIT)


def _dump(uri: str, domain: DomainKey, path: Path) -> None:
    # A single call: virsh's dump makes a second one, which hangs too, and takes another of the daemon's workers.
    conn = libvirt.open(uri)
    with suppress(libvirt.libvirtError):
        conn.lookupByUUIDString(domain.uuid).coreDump(str(path), libvirt.VIR_DUMP_MEMORY_ONLY)
    conn.close()


def _opening(daemon: PrivateDaemon) -> int:
    """How many threads of the daemon hang in opening a target."""
    waiting = 0
    for thread in Path(f"/proc/{daemon.pid}/task").iterdir():
        with suppress(FileNotFoundError):
            waiting += (thread / "wchan").read_text() == "wait_for_partner"
    return waiting


def _end_processes(folder: Path) -> None:
    """End the machines of a daemon that could not be asked to."""
    for process in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if b"qemu-system" in arguments[0] and any(os.fsencode(folder) + b"/" in part for part in arguments):
                os.kill(int(process.name), signal.SIGKILL)
