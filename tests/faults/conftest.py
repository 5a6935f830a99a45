"""The hypervisors that things go wrong on."""

from tests.contract.conftest import harness, pytest_generate_tests
from tests.hypervisor.conftest import _private, daemon

__all__ = ["_private", "daemon", "harness", "pytest_generate_tests"]
