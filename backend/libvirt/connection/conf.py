"""What libvirt's own client config says: the names that users have given to URIs, and which is the usual one.

libvirt's binding resolves them too, but tells nobody what to; and this can be read where there is no binding.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

logger = logging.getLogger(__name__)

_TEXT = r'"""(?s:.*?)"""|"[^"\n]*"|\'[^\'\n]*\''
_DEFAULT = re.compile(rf"^[ \t]*uri_default[ \t]*=[ \t]*({_TEXT})", re.MULTILINE)
_ALIASES = re.compile(rf"^[ \t]*uri_aliases[ \t]*=[ \t]*\[((?:[\s,]|{_TEXT})*)\]", re.MULTILINE)
_ENTRY = re.compile("([A-Za-z0-9_-]+)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ClientConf:
    """The settings of ``libvirt.conf`` that say where to connect."""

    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Names -> URIs"""
    default: str | None = None
    """A URI or one of the names; None: libvirt probes."""

    def uri(self, name: str) -> str:
        """What `name` stands for; `name` itself if it is none of the aliases."""
        return self.aliases.get(name, name)

    @property
    def names(self) -> dict[str, str]:
        """The aliases by URI; of several for one URI, the first."""
        return {uri: alias for alias, uri in reversed(list(self.aliases.items()))}


def path() -> str:
    """The file that libvirt's client reads: the system's for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return "/etc/libvirt/libvirt.conf"
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(folder, "libvirt", "libvirt.conf")


def load() -> ClientConf:
    """The settings in that file; empty if it is missing or unreadable, which libvirt reports when it connects."""
    try:
        with open(path(), encoding="utf-8", errors="replace") as file:
            return parse(file.read())
    except OSError as error:
        logger.debug("no libvirt.conf: %s", error)
        return ClientConf()


def parse(text: str) -> ClientConf:
    """What a file with that text says. Of settings and aliases that are there twice, the first one holds."""
    default = _DEFAULT.search(text)
    listed = _ALIASES.search(text)
    aliases: dict[str, str] = {}
    for quoted in re.findall(_TEXT, listed[1]) if listed else ():
        if entry := _ENTRY.fullmatch(_unquoted(quoted)):
            aliases.setdefault(entry[1], entry[2])
    return ClientConf(MappingProxyType(aliases), _unquoted(default[1]) if default else None)


def _unquoted(quoted: str) -> str:
    marks = 3 if quoted.startswith('"""') else 1
    return quoted[marks:-marks]
