"""The hypervisors that the suite runs on, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from importlib import import_module
from pathlib import Path

import pytest

from backend.base import Backend
from tests.contract.harness import Harness

OURS = [
    pytest.param("tests.contract.simulator_harness:SimulatorHarness", id="simulator"),
    pytest.param("tests.contract.libvirt_harness:LibvirtHarness", id="libvirt", marks=pytest.mark.hypervisor),
]
FROM_OUTSIDE = pytest.param("tests.example_backend.harness:ExampleHarness", id="example")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Everything that has a harness runs on ours; the contract on the one that was named, or on the example too."""
    if "harness" in metafunc.fixturenames:
        harnesses: Sequence[object] = OURS
        if metafunc.module.__name__.startswith("tests.contract."):
            named = metafunc.config.getoption("harness")
            harnesses = [named] if named else [*OURS, FROM_OUTSIDE]
        metafunc.parametrize("harness", harnesses, indirect=True)


@pytest.fixture
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    module, _, name = request.param.partition(":")
    folder = tmp_path / "dumps"
    folder.mkdir()
    async with getattr(import_module(module), name)(folder) as harness:
        yield harness


@pytest.fixture
async def backend(harness: Harness) -> AsyncIterator[Backend]:
    async with harness.backend() as backend:
        yield backend


@pytest.fixture
async def readonly(harness: Harness) -> AsyncIterator[Backend]:
    async with harness.backend(readonly=True) as backend:
        yield backend
