"""Open a connection to libvirt. It never prompts while it blocks; see `remember`."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import libvirt

from backend.credentials import Credential, CredentialsNeeded
from backend.errors import BackendError, InvalidURI, NoConnection, NotPermitted
from backend.libvirt.advice import advice, wrong_path
from backend.libvirt.connection import conf, loop
from backend.libvirt.errors import PERMISSION_CODES, message_of
from backend.log import ignored
from backend.text import clean

logger = logging.getLogger(__name__)

KEEPALIVE = (5, 3)
"""Seconds between two keepalive messages, and how many may stay unanswered."""
_SECRETS = (libvirt.VIR_CRED_PASSPHRASE, libvirt.VIR_CRED_NOECHOPROMPT)
_CREDENTIALS = [
    libvirt.VIR_CRED_USERNAME,
    libvirt.VIR_CRED_AUTHNAME,
    libvirt.VIR_CRED_ECHOPROMPT,
    libvirt.VIR_CRED_REALM,
    *_SECRETS,
]
_POLICE = (libvirt.VIR_FROM_POLKIT, libvirt.VIR_FROM_DBUS)
_REMOTE_TRANSPORTS = ("ssh", "libssh", "libssh2", "tcp", "tls", "ext")

_answers: dict[str, dict[Credential, str]] = {}
"""The answers that users gave in this process, by URI, for every connection that is opened later."""


def connect(uri: str, readonly: bool, keepalive: tuple[int, int] | None = None) -> Any:
    """A virConnect. Blocks. NoConnection, NotPermitted or InvalidURI, each in one line that says what to do;
    CredentialsNeeded if it requires credentials that were not entered yet. `keepalive` defaults to KEEPALIVE."""
    loop.ensure_running()
    requested: list[Credential] = []
    flags = libvirt.VIR_CONNECT_RO if readonly else 0
    target = conf.load().uri(uri)
    try:
        conn = libvirt.openAuth(_silent(target), [_CREDENTIALS, _answer, (uri, requested)], flags)
    except libvirt.libvirtError as error:
        raise _refused(uri, target, readonly, error, requested) from None
    with ignored(logger, "no keepalive", libvirt.libvirtError):  # Drivers inside this process need none.
        conn.setKeepAlive(*(keepalive or KEEPALIVE))
    return conn


def remember(uri: str, answers: Mapping[Credential, str]) -> None:
    """What a person said to a CredentialsNeeded of that URI. Kept in this process alone."""
    _answers.setdefault(uri, {}).update(answers)


def disconnect(conn: Any) -> None:
    """Close it. Blocks, unless it is lost anyway."""
    with ignored(logger, "a connection is not closed properly", libvirt.libvirtError):
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


def _answer(credentials: list[list[Any]], about: tuple[str, list[Credential]]) -> int:
    uri, requested = about
    for credential in credentials:
        needed = Credential(clean(str(credential[1])).rstrip(": "), credential[0] in _SECRETS)
        credential[4] = _answers.get(uri, {}).get(needed)
        if credential[4] is None:
            requested.append(needed)
    return -1 if requested else 0


def _refused(
    uri: str, target: str, readonly: bool, error: libvirt.libvirtError, requested: list[Credential]
) -> BackendError:
    """`target`: what `uri`, which may be an alias, stands for."""
    code = error.get_error_code()
    text = f"cannot connect to {clean(uri)}: {message_of(error)}"
    if requested:
        prompts = ", ".join(credential.prompt for credential in requested)
        return CredentialsNeeded(f"{text} ({prompts}); put the answers into libvirt's auth.conf", requested, code=code)
    _answers.pop(uri, None)  # The answers were wrong, or may have been.
    todo = clean(advice(target, readonly, error))
    return _kind(target, error)(f"{text}; {todo}" if todo else text, code=code)


def _kind(uri: str, error: libvirt.libvirtError) -> type[BackendError]:
    code = error.get_error_code()
    if code in PERMISSION_CODES or error.get_int1() == errno.EACCES or error.get_error_domain() in _POLICE:
        return NotPermitted
    if code in (libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_ARG) or wrong_path(uri, error):
        return InvalidURI
    return NoConnection
