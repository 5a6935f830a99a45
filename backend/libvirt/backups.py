"""The backup that a domain has, as its XML describes it. `running` blocks."""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from urllib.parse import quote

import libvirt

from backend.backup import Backup, BackupDisk
from backend.libvirt.connection.connection import Connection
from backend.libvirt.live_xml import location
from backend.log import ignored
from backend.model import DomainKey
from backend.text import clean

logger = logging.getLogger(__name__)

_NOT_TOLD = (libvirt.VIR_ERR_NO_DOMAIN_BACKUP, libvirt.VIR_ERR_NO_SUPPORT)


def running(key: DomainKey, connection: Connection) -> Backup | None:
    """The domain's backup; None without one. Raises what `Backend.backup` does, and libvirtError.

    libvirt answers from its memory: no monitor command is involved, which some versions do not survive meanwhile.
    """
    handle = connection.handle(key)
    try:
        xml = handle.backupGetXMLDesc(0)
    except libvirt.libvirtError as error:
        if error.get_error_code() in _NOT_TOLD:
            return None
        raise
    connection.look_up(key)  # libvirt finds domains by their uuid alone: this may be the backup of a later run.
    return described(xml)


def described(xml: str) -> Backup | None:
    """The backup that the XML describes; None if it is not one. The names in it are those that its client chose."""
    root = None
    with ignored(logger, "the description of a backup is no XML", ET.ParseError):
        root = ET.fromstring(xml)
    if root is None or root.tag != "domainbackup":
        return None
    pull = root.get("mode") == "pull"
    server = root.find("server") if pull else None
    since = clean(root.findtext("incremental", ""))
    disks = [disk for disk in root.iterfind("disks/disk") if disk.get("backup") != "no"]
    return Backup(pull, tuple(_disk(disk, pull, server, since) for disk in disks), _nbd(server, ""))


def _disk(disk: ET.Element, pull: bool, server: ET.Element | None, since: str) -> BackupDisk:
    export = disk.get("exportname", "") if pull else ""
    full = disk.get("backupmode", "full" if not since else "incremental") == "full"
    return BackupDisk(
        clean(disk.get("name", "")),
        location(disk.find("scratch" if pull else "target")) or "",
        _nbd(server, export) if export else "",
        "" if full else clean(disk.get("incremental", since)),
    )


def _nbd(server: ET.Element | None, export: str) -> str:
    """``nbd://host:port/export`` or ``nbd+unix:///export?socket=path``, as NBD clients take them; empty if it is
    neither."""
    if server is None:
        return ""
    scheme = "nbds" if server.get("tls") == "yes" else "nbd"
    match server.get("transport", "tcp"), server.get("socket", ""), server.get("name", ""), server.get("port", ""):
        case "tcp", _, str(name), str(port) if name:
            host = f"[{_quoted(name, ':')}]" if ":" in name else _quoted(name)
            return f"{scheme}://{host}{f':{_quoted(port)}' if port else ''}/{_quoted(export)}"
        case "unix", str(socket), _, _ if socket:
            return f"{scheme}+unix:///{_quoted(export)}?socket={_quoted(socket, '/')}"
    return ""


def _quoted(text: str, safe: str = "") -> str:
    """The text as it stands in a URI, where nothing of it can act on a terminal."""
    return quote(text, safe=safe, errors="replace")
