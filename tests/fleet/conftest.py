"""Daemons and domains for tests of many of them."""

from tests.hypervisor.conftest import _private, daemon

__all__ = ["_private", "daemon"]
