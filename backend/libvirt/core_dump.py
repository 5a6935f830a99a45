"""The dump call itself, on a connection of its own: it blocks for as long as the dump takes."""

from __future__ import annotations

import libvirt

from backend.libvirt.connection.connect import connect, disconnect
from backend.libvirt.connection.connection import Connection
from backend.libvirt.errors import typed
from backend.model import DumpRequest

_PATIENT = (5, 12)
"""Keepalive: the result is lost with the line, so a daemon under load gets a minute to answer."""


def core_dump(uri: str, readonly: bool, request: DumpRequest) -> None:
    """Dump, and return when libvirt's call has. Typed errors, as `Backend.call_dump` has them."""
    conn = connect(uri, readonly, _PATIENT)
    try:
        Connection(conn, watched=False).look_up(request.domain).coreDumpWithFormat(
            request.path, int(request.format), int(request.flags)
        )
    except libvirt.libvirtError as error:
        raise typed(error) from None
    finally:
        disconnect(conn)
