"""Which hypervisors a command is about."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property

import click

from backend.base import Backend
from backend.uri import libvirt_installed, open_backend

DEMO = "sim:///demo"
_VARIABLES = ("VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")


@dataclass(frozen=True)
class Target:
    """The hypervisors that the user named, or else the usual one, and how to connect to them."""

    named: tuple[str, ...]
    readonly: bool

    @cached_property
    def uris(self) -> tuple[str, ...]:
        """What was named, else what the environment names, else virsh's default.

        Where nothing is named and the libvirt binding is not installed, the simulator, which is said on stderr.
        """
        if self.named:
            return tuple(dict.fromkeys(self.named))
        for variable in _VARIABLES:
            if uri := os.environ.get(variable):
                return (uri,)
        if not libvirt_installed():
            print(f"virt-jobs: SIMULATED: no libvirt binding is installed; this is {DEMO}", file=sys.stderr)
            return (DEMO,)
        return ("qemu:///system" if os.geteuid() == 0 else "qemu:///session",)

    @property
    def uri(self) -> str:
        """The one hypervisor that a command about one domain goes to. A UsageError if several were named."""
        if len(self.uris) > 1:
            raise click.UsageError("this command is about one hypervisor; give -c/--connect once")
        return self.uris[0]

    def backend(self) -> Backend:
        """The backend of that one hypervisor, not connected yet."""
        return open_backend(self.uri, self.readonly)
