"""Open a connection to libvirt, without ever asking anybody anything."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlsplit

import libvirt

from backend.errors import BackendError, InvalidURI, NoConnection, NotPermitted
from backend.libvirt import loop
from backend.libvirt.errors import PERMISSION_CODES, message_of
from backend.text import clean

KEEPALIVE = (5, 3)
"""Seconds between two questions whether the other end lives, and how many may stay unanswered."""
_CREDENTIALS = [
    libvirt.VIR_CRED_USERNAME,
    libvirt.VIR_CRED_AUTHNAME,
    libvirt.VIR_CRED_PASSPHRASE,
    libvirt.VIR_CRED_ECHOPROMPT,
    libvirt.VIR_CRED_NOECHOPROMPT,
    libvirt.VIR_CRED_REALM,
]
_REMOTE_TRANSPORTS = ("ssh", "libssh", "libssh2", "tcp", "tls", "ext")


def connect(uri: str, readonly: bool, keepalive: tuple[int, int] = KEEPALIVE) -> Any:
    """A virConnect. Blocks. NoConnection, NotPermitted or InvalidURI, each in one line that says what to do."""
    loop.ensure_running()
    asked: list[str] = []
    flags = libvirt.VIR_CONNECT_RO if readonly else 0
    try:
        conn = libvirt.openAuth(_silent(uri), [_CREDENTIALS, _refuse, asked], flags)
    except libvirt.libvirtError as error:
        raise _refused(uri, error, asked) from None
    with contextlib.suppress(libvirt.libvirtError):  # Drivers inside this process have no line to keep alive.
        conn.setKeepAlive(*keepalive)
    return conn


def disconnect(conn: Any) -> None:
    """Close it. Blocks, unless it is lost anyway."""
    with contextlib.suppress(libvirt.libvirtError):
        conn.close()


def is_local(uri: str) -> bool:
    """Whether the hypervisor at `uri` (as libvirt itself gives it) is on this host."""
    parts = urlsplit(uri)
    transport = parts.scheme.partition("+")[2]
    return not parts.hostname and transport not in _REMOTE_TRANSPORTS


def _silent(uri: str) -> str:
    """`uri` so that ssh never asks for a password or a host key on the terminal."""
    parts = urlsplit(uri)
    if not parts.scheme.endswith("+ssh") or "no_tty=" in parts.query:
        return uri
    return parts._replace(query="&".join(filter(None, [parts.query, "no_tty=1"]))).geturl()


def _refuse(credentials: list[list[Any]], asked: list[str]) -> int:
    asked.extend(str(credential[1]) for credential in credentials)
    return -1


def _refused(uri: str, error: libvirt.libvirtError, asked: list[str]) -> BackendError:
    code = error.get_error_code()
    text = f"cannot connect to {clean(uri)}: {message_of(error)}"
    if asked:
        wanted = clean(", ".join(asked)).rstrip(": ")
        return NotPermitted(f"{text}; it asks for {wanted}: put it into libvirt's auth.conf", code=code)
    if code in PERMISSION_CODES:
        return NotPermitted(f"{text}; try a read-only connection, or another user", code=code)
    if code in (libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_ARG):
        return InvalidURI(text, code=code)
    return NoConnection(f"{text}; is libvirtd running there?", code=code)
