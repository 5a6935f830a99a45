"""Which hypervisors a command is about."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from backend.base import Backend
from backend.libvirt.connection import conf
from backend.text import clean
from backend.uri import libvirt_installed, open_backend
from tui.cli.ask import asker
from tui.config.path import config_path

if TYPE_CHECKING:
    from tui.config.values import Config

DEMO = "sim:///demo"
_VARIABLES = ("VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")


@dataclass(frozen=True)
class Target:
    """The hypervisors that the user named, or else the usual one, and how to connect to them."""

    named: tuple[str, ...]
    """Aliases, groups or URIs."""
    readonly: bool

    @cached_property
    def config(self) -> Config:
        """The user's config, read when it is first needed: what needs none is not stopped by a broken one."""
        from tui.config.values import load

        return load()

    @cached_property
    def chosen(self) -> tuple[str, ...]:
        """The URIs of what was named, else of what the environment names, else the config, else libvirt.conf.

        Aliases of the config come before those of libvirt.conf. Empty where nobody names anything.
        """
        names = self.named or self._usual()
        # What is a URI already is one whatever the config says, even where that is broken.
        if self._configured and not all("://" in name for name in names):
            names = self.config.uris(names)
        return tuple(dict.fromkeys(name if "://" in name else conf.load().uri(name) for name in names))

    @cached_property
    def uris(self) -> tuple[str, ...]:
        """What was chosen, else virsh's default.

        Where nothing is chosen and the libvirt binding is not installed, the simulator, which is said on stderr.
        """
        if self.chosen:
            return self.chosen
        if not libvirt_installed():
            print(f"virt-jobs: SIMULATED: no libvirt binding is installed; this is {DEMO}", file=sys.stderr)
            return (DEMO,)
        return ("qemu:///system" if os.geteuid() == 0 else "qemu:///session",)

    @property
    def _configured(self) -> bool:
        return os.path.exists(config_path())

    def _usual(self) -> tuple[str, ...]:
        for variable in _VARIABLES:
            if uri := os.environ.get(variable):
                return (uri,)
        if self._configured and self.config.connect:
            return self.config.connect
        default = conf.load().default
        return (default,) if default else ()

    @property
    def again(self) -> tuple[str, ...]:
        """What was named, for a command line that is to name the same."""
        return self.named or self.uris

    def host(self, uri: str) -> str:
        """The hypervisor's name for people: its alias, or else its URI."""
        return clean((self.config.alias(uri) if self._configured else None) or uri)

    def backend(self, uri: str) -> Backend:
        """The backend of that hypervisor, not connected yet. What that wants to know, it asks at the terminal."""
        backend = self.silent_backend(uri)
        backend.ask = asker(uri)
        return backend

    def silent_backend(self, uri: str) -> Backend:
        """The same, and nobody is asked for anything."""
        return open_backend(uri, self.readonly or (self._configured and self.config.connection(uri).readonly))
