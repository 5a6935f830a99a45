"""The hypervisors that a command uses."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from backend.base import Backend
from backend.libvirt.connection import conf
from backend.records.folder import is_missing
from backend.text import clean
from backend.uri import libvirt_installed, open_backend
from tui.cli.ask import asker
from tui.cli.choices import Choices
from tui.cli.output import note
from tui.config.path import config_path

if TYPE_CHECKING:
    from tui.config.values import Config

DEMO = "sim:///demo"
_VARIABLES = ("VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")


@dataclass(frozen=True)
class Target:
    """The hypervisors that the user named, or else the default one, and how to connect to them."""

    named: tuple[str, ...]
    """Aliases, groups or URIs."""
    readonly: bool

    @classmethod
    def of(cls, chosen: Choices) -> Self:
        """What the common options of a command line mean."""
        return cls(tuple(chosen.uris), chosen.readonly)

    @cached_property
    def config(self) -> Config:
        """The user's config, read on first use, so that an invalid one does not affect commands that need none."""
        from tui.config.values import load

        return load()

    @cached_property
    def chosen(self) -> tuple[str, ...]:
        """The URIs from the command line, else the environment, else the config, else libvirt.conf; may be empty.

        Aliases of the config take precedence over those of libvirt.conf.
        """
        names = self.named or self._defaults()
        # URIs need no config, so an invalid one does not matter for them.
        if self._configured and not all("://" in name for name in names):
            names = self.config.uris(names)
        return tuple(dict.fromkeys(name if "://" in name else conf.load().uri(name) for name in names))

    @cached_property
    def uris(self) -> tuple[str, ...]:
        """The chosen URIs, else virsh's default; the simulator, with a note on stderr, without the libvirt binding."""
        if self.chosen:
            return self.chosen
        if not libvirt_installed():
            note(f"SIMULATED: the libvirt binding is not installed; using {DEMO}")
            return (DEMO,)
        return ("qemu:///system" if os.geteuid() == 0 else "qemu:///session",)

    @property
    def _configured(self) -> bool:
        """Whether there is a config, or one that cannot be looked at, of which loading says so."""
        return not is_missing(config_path())

    def _defaults(self) -> tuple[str, ...]:
        for variable in _VARIABLES:
            if uri := os.environ.get(variable):
                return (uri,)
        if self._configured and self.config.connect:
            return self.config.connect
        default = conf.load().default
        return (default,) if default else ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The values of -c in a command line for the same hypervisors."""
        return self.named or self.uris

    def resolve(self, name: str) -> tuple[str, ...]:
        """The URIs that an alias, a group or a URI stands for; the name itself if it is none of these."""
        if "://" not in name and self._configured and name in (*self.config.connections, *self.config.groups):
            return self.config.uris([name])
        return (name if "://" in name else conf.load().uri(name),)

    def hosts(self, uris: Iterable[str]) -> dict[str, str]:
        """The names to show for these hypervisors together."""
        from tui.words.host_names import host_names

        return host_names(uris, conf.load().names | (self.config.aliases if self._configured else {}))

    def host(self, uri: str) -> str:
        """The name to show for one of the hypervisors of the command."""
        return self.hosts((*self.uris, uri))[uri]

    def argument(self, uri: str) -> str:
        """What -c takes for that hypervisor, as short as the config allows."""
        return clean((self.config.alias(uri) if self._configured else None) or uri)

    def backend(self, uri: str) -> Backend:
        """A backend for the hypervisor, not connected yet, that prompts for credentials at the terminal."""
        backend = self.silent_backend(uri)
        backend.ask = asker(uri)
        return backend

    def silent_backend(self, uri: str) -> Backend:
        """The same without prompts."""
        return open_backend(uri, self.readonly or (self._configured and self.config.connection(uri).readonly))
