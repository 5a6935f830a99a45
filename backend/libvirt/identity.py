"""What is at the other end of a connection: the driver, its versions, and the formats of its QEMU."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from functools import partial

from backend.libvirt.connection.connection import Connection
from backend.libvirt.host.formats import built_in
from backend.threads import in_thread

_FORMATS_DEADLINE = 3.0


async def formats(emulator: str) -> frozenset[str] | None:
    """The dump formats that it was built with; None also where its file system does not answer."""
    found = in_thread(partial(built_in, emulator), "QEMU formats")
    await asyncio.wait({found}, timeout=_FORMATS_DEADLINE)
    return found.result() if found.done() else None


def identity(connection: Connection) -> tuple[str, int, str]:
    """The driver's name, the daemon's version in libvirt's numbers, and the URI as the daemon itself gives it."""
    return connection.conn.getType(), connection.conn.getLibVersion(), connection.conn.getURI()


def version(connection: Connection) -> int:
    """The hypervisor's version in libvirt's numbers."""
    number: int = connection.conn.getVersion()
    return number


def emulator(connection: Connection) -> str | None:
    """Path of the QEMU that domains of this host's own architecture get."""
    return ET.fromstring(connection.conn.getDomainCapabilities()).findtext("path")
