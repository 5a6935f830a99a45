"""What a domain is made of, and what libvirt reports about it. All of it blocks, and raises libvirtError."""

from __future__ import annotations

from typing import Any

from backend.libvirt.connection.connection import Connection
from backend.model import DomainKey
from backend.text import clean, clean_lines


def xml(key: DomainKey, connection: Connection) -> str:
    """The live XML of a running domain, else its configuration; without secrets, which takes no special right."""
    text: str = _handle(key, connection).XMLDesc(0)
    return "".join(f"{line}\n" for line in clean_lines(text))


def messages(key: DomainKey, connection: Connection) -> list[str]:
    """All of libvirt's messages about the domain. libvirt 7.1 and later have them."""
    return [clean(message) for message in _handle(key, connection).messages()]


def name(key: DomainKey, connection: Connection) -> str:
    """The domain's name as libvirt itself has it, not cleaned."""
    known = connection.handles.get(key.uuid)
    own: str = (known if known is not None else _handle(key, connection)).name()
    return own


def _handle(key: DomainKey, connection: Connection) -> Any:
    """The domain in whichever run."""
    return connection.conn.lookupByUUIDString(key.uuid)
