"""Domains and daemons for the tests on real ones."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.libvirt.backend import LibvirtBackend
from tests.hypervisor.daemon import SYSTEM, Fifo, Machines, PrivateDaemon
from tests.hypervisor.operations import Host


@pytest.fixture
def machines() -> Iterator[Machines]:
    with Machines() as machines:
        yield machines


@pytest.fixture
async def backend() -> AsyncIterator[LibvirtBackend]:
    async with LibvirtBackend(SYSTEM) as backend:
        yield backend


@pytest.fixture
async def readonly() -> AsyncIterator[LibvirtBackend]:
    async with LibvirtBackend(SYSTEM, readonly=True) as backend:
        yield backend


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    fifo = Fifo(tmp_path / "fifo")
    yield fifo
    fifo.release()


@pytest.fixture(scope="module")
def _private() -> Iterator[PrivateDaemon]:
    folder = Path(tempfile.mkdtemp(prefix="vj-"))
    daemon = PrivateDaemon(folder)
    yield daemon
    daemon.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def daemon(_private: PrivateDaemon) -> PrivateDaemon:
    """A daemon that the test may kill; it answers now."""
    if not _private.alive:
        _private.start()
    return _private


@pytest.fixture(scope="module")
def _two_hosts() -> Iterator[tuple[PrivateDaemon, PrivateDaemon]]:
    """Two hosts on this machine."""
    with contextlib.ExitStack() as stack:
        made = []
        for host in ("here.example", "there.example"):
            folder = Path(tempfile.mkdtemp(prefix="vj-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            daemon = PrivateDaemon(folder, host)
            daemon.start()
            stack.callback(daemon.stop)
            made.append(daemon)
        yield made[0], made[1]


@pytest.fixture
def _hosts(_two_hosts: tuple[PrivateDaemon, PrivateDaemon]) -> Iterator[tuple[Host, Host]]:
    folder = Path(tempfile.mkdtemp(prefix="vj-files-"))
    folder.chmod(0o777)
    for daemon in _two_hosts:
        if not daemon.alive:  # libvirtd 9.0.0 may crash when a domain is destroyed under a snapshot.
            daemon.start()
    with Machines(_two_hosts[0].uri) as here, Machines(_two_hosts[1].uri) as there:
        made = Host(_two_hosts[0], here, folder), Host(_two_hosts[1], there, folder)
        yield made
    for host in made:
        host.clear()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def here(_hosts: tuple[Host, Host]) -> Host:
    return _hosts[0]


@pytest.fixture
def there(_hosts: tuple[Host, Host]) -> Host:
    return _hosts[1]
