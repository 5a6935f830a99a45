"""Domains and daemons for the tests on real ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.libvirt import LibvirtBackend
from tests.hypervisor.daemon import SYSTEM, Fifo, Machines, PrivateDaemon


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
