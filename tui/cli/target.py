"""Which hypervisors a command is about."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import click

from backend.base import Backend
from backend.uri import libvirt_installed, open_backend
from tui.config.path import config_path

if TYPE_CHECKING:
    from tui.config.values import Config

DEMO = "sim:///demo"
_VARIABLES = ("VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")


@dataclass(frozen=True)
class Target:
    """The hypervisors that the user named, or else the usual one, and how to connect to them."""

    named: tuple[str, ...]
    """Aliases or URIs."""
    readonly: bool

    @cached_property
    def config(self) -> Config:
        """The user's config, read when it is first needed: what needs none is not stopped by a broken one."""
        from tui.config.values import load

        return load()

    @cached_property
    def uris(self) -> tuple[str, ...]:
        """What was named, else what the environment names, else what the config names, else virsh's default.

        Where nothing is named and the libvirt binding is not installed, the simulator, which is said on stderr.
        """
        names = self.named or self._usual()
        if self._configured:
            # What is a URI already is one whatever the config says, even where that is broken.
            names = tuple(name if "://" in name else self.config.connection(name).uri for name in names)
        return tuple(dict.fromkeys(names))

    @property
    def _configured(self) -> bool:
        return os.path.exists(config_path())

    def _usual(self) -> tuple[str, ...]:
        for variable in _VARIABLES:
            if uri := os.environ.get(variable):
                return (uri,)
        if self._configured and self.config.connect:
            return self.config.connect
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

    def backend(self, uri: str | None = None) -> Backend:
        """The backend of that hypervisor, or else of the one there is, not connected yet."""
        uri = uri or self.uri
        return open_backend(uri, self.readonly or (self._configured and self.config.connection(uri).readonly))
