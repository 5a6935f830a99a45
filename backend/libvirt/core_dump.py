"""The dump call, on a connection of its own because it blocks for as long as the dump takes."""

from __future__ import annotations

import libvirt

from backend.dump_request import DumpRequest
from backend.libvirt.connection.connect import connect, disconnect
from backend.libvirt.connection.connection import Connection
from backend.libvirt.errors import typed

_KEEPALIVE = (5, 12)
"""Interval in seconds, and count: a lost connection loses the result, so a busy daemon gets a minute to answer."""


def core_dump(uri: str, readonly: bool, request: DumpRequest) -> None:
    """Make the dump; returns when libvirt's call returns. Raises what `Backend.call_dump` raises."""
    conn = connect(uri, readonly, _KEEPALIVE)
    try:
        Connection(conn, watched=False).look_up(request.domain).coreDumpWithFormat(
            request.path, int(request.format), int(request.flags)
        )
    except libvirt.libvirtError as error:
        raise typed(error) from None
    finally:
        disconnect(conn)
