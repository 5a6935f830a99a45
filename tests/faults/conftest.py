"""The hypervisors that things go wrong on."""

from tests.contract.conftest import harness
from tests.hypervisor.conftest import _private, daemon

__all__ = ["_private", "daemon", "harness"]
