"""The hypervisors that the suite runs on, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest

from backend.base import Backend
from tests.contract.harness import Harness

_HARNESSES = {"simulator": "SimulatorHarness", "libvirt": "LibvirtHarness"}


@pytest.fixture(params=["simulator", pytest.param("libvirt", marks=pytest.mark.hypervisor)])
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    module = import_module(f"tests.contract.{request.param}_harness")
    folder = tmp_path / "dumps"
    folder.mkdir()
    async with getattr(module, _HARNESSES[request.param])(folder) as harness:
        yield harness


@pytest.fixture
async def backend(harness: Harness) -> AsyncIterator[Backend]:
    async with harness.backend() as backend:
        yield backend


@pytest.fixture
async def readonly(harness: Harness) -> AsyncIterator[Backend]:
    async with harness.backend(readonly=True) as backend:
        yield backend
