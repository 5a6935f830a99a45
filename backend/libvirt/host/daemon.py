"""The daemon of a local connection."""

from __future__ import annotations

import os
from urllib.parse import parse_qs, urlsplit


def daemon_owner(uri: str) -> int:
    """The uid that the local daemon at `uri` (as libvirt itself gives it) runs as. OSError if its socket is gone."""
    parts = urlsplit(uri)
    if parts.path.strip("/") != "session":
        return 0
    sockets = parse_qs(parts.query).get("socket")
    # Only the daemon's own user can have made the socket that it listens on.
    return os.stat(sockets[0]).st_uid if sockets else os.geteuid()
