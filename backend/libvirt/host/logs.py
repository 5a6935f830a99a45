"""Where libvirt's daemons keep the logs of their domains. None of their settings changes that."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from backend.errors import NotSupported, OperationFailed
from backend.text import clean

_SYSTEM = Path("/var/log/libvirt")
_FOLDERS = {"qemu": "qemu", "lxc": "lxc", "xen": "libxl"}
"""Below that, by the driver of the URI."""
_PATIENCE = 1.0
"""Seconds that the daemon may take to accept a connection."""


def log_file(uri: str, name: str, local: bool) -> Path:
    """The log of the domain with that raw name. `uri`: as the daemon itself gives it; `local`: it is on this host.

    Blocks. NotSupported for a driver without such logs and for a daemon on another host, OperationFailed where it
    cannot be found out where the daemon's home is.
    """
    if "/" in name:
        raise NotSupported("a domain of that name has no log")  # libvirt allows no such name.
    parts = urlsplit(uri)
    driver, mode = parts.scheme.partition("+")[0], parts.path.strip("/")
    if driver not in _FOLDERS or mode not in ("system", "session") or (mode == "session" and driver != "qemu"):
        raise NotSupported(f"the driver of {clean(uri)} has no logs of its domains")
    if mode == "system":
        path = _SYSTEM / _FOLDERS[driver] / f"{name}.log"
        if not local:
            raise NotSupported(f"its log is a file on another host, {clean(str(path))} there: read it by ssh")
        return path
    if not local:
        raise NotSupported("its log is a file on another host, below ~/.cache/libvirt/qemu/log there: read it by ssh")
    return _cache(uri) / "libvirt/qemu/log" / f"{name}.log"


def _cache(uri: str) -> Path:
    """The cache folder of a session daemon: that of its own environment, if it is not this user's usual one."""
    sockets = parse_qs(urlsplit(uri).query).get("socket")
    environment: Mapping[str, str] = os.environ
    try:
        if sockets:
            environment = _environment(sockets[0])
    except OSError as error:
        raise OperationFailed(f"where its daemon keeps logs is not known: {clean(str(error))}") from None
    if folder := environment.get("XDG_CACHE_HOME"):
        return Path(folder)
    home = environment.get("HOME")
    return (Path(home) if home else Path.home()) / ".cache"


def _environment(path: str) -> dict[str, str]:
    """The environment that the daemon at that socket was started with. OSError if it is gone or another user's."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_PATIENCE)
        line.connect(path)
        pid, _, _ = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    entries = os.fsdecode(Path(f"/proc/{pid}/environ").read_bytes()).split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}
