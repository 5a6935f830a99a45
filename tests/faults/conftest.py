"""The hypervisors that things go wrong on."""

from tests.contract.conftest import backend, harness, pytest_generate_tests, readonly
from tests.hypervisor.conftest import _private, daemon

__all__ = ["_private", "backend", "daemon", "harness", "pytest_generate_tests", "readonly"]
