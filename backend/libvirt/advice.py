"""What a user can do if libvirt refuses a connection, in a few words."""

from __future__ import annotations

import errno
import grp
import os
import re
import shlex
import shutil
from urllib.parse import SplitResult, urlsplit

import libvirt

_DAEMONS = ("libvirtd", "virtqemud", "virtxend", "virtlxcd")
_SOCKET = re.compile("socket to '([^']+)'")
"""In a message of the library in this process, which is in English: nobody sets this process's locale."""
_WITH_FIXED_PATHS = ("qemu", "xen", "lxc", "ch", "bhyve", "vbox", "vz")
_FIXED_PATHS = ("/system", "/session", "/embed")
_READ_ONLY = "or use -r for a read-only connection"


def advice(uri: str, readonly: bool, error: libvirt.libvirtError) -> str:
    """The advice that ends the line of the error; empty if libvirt's message is enough."""
    parts = urlsplit(uri)
    transport = parts.scheme.partition("+")[2]
    code, number, message = error.get_error_code(), error.get_int1(), error.get_error_message() or ""
    if code == libvirt.VIR_ERR_NO_CONNECT:
        return _no_driver_advice(parts)
    if wrong_path(uri, error):
        return ""
    if "certificate" in message:
        return f"set up libvirt's TLS certificates on both hosts, or use {parts.scheme.partition('+')[0]}+ssh"
    if transport in ("ssh", "libssh", "libssh2") and parts.hostname:
        return f"try this command in a terminal: {_ssh_command(parts)}"
    if socket := _SOCKET.search(message):
        return _socket_advice(parts, socket[1], number, readonly)
    if error.get_error_domain() in (libvirt.VIR_FROM_POLKIT, libvirt.VIR_FROM_DBUS) or "polkit" in message:
        return _or_read_only("polkit denies access to this user; join the group libvirt or become root", readonly)
    if code in (libvirt.VIR_ERR_AUTH_FAILED, libvirt.VIR_ERR_ACCESS_DENIED, libvirt.VIR_ERR_OPERATION_DENIED):
        return _or_read_only("ask the administrator for permission or try another user", readonly)
    if parts.hostname and number == errno.ECONNREFUSED:
        return f"no libvirt daemon accepts {transport or 'tls'} connections there; start it, or use qemu+ssh"
    return ""


def wrong_path(uri: str, error: libvirt.libvirtError) -> bool:
    """Whether only the URI's path is wrong; the error, which says what to try, is the daemon's and in its language."""
    parts = urlsplit(uri)
    if parts.scheme.partition("+")[0] not in _WITH_FIXED_PATHS or parts.path in _FIXED_PATHS:
        return False
    # The client's library did not refuse it.
    return bool(
        error.get_error_code() == libvirt.VIR_ERR_INTERNAL_ERROR and error.get_error_domain() != libvirt.VIR_FROM_RPC
    )


def _no_driver_advice(parts: SplitResult) -> str:
    if parts.scheme:
        return ""
    return "it is neither a URI, such as qemu:///system, nor an alias in virt-jobs' config or libvirt.conf"


def _socket_advice(parts: SplitResult, path: str, number: int, readonly: bool) -> str:
    if number == errno.EACCES:
        return _or_read_only(f"join the group {_group_of(path)} and log in again", readonly)
    if "socket=" in parts.query:
        return "no libvirt daemon listens on that socket"
    daemon = next((name for name in _DAEMONS if shutil.which(name, path=f"{os.defpath}:/usr/sbin:/sbin")), None)
    if daemon is None:
        return "no libvirt daemon is installed here; install one (on Debian: apt install libvirt-daemon-system)"
    return f"its daemon is not running; start it (systemctl start {daemon})"


def _group_of(path: str) -> str:
    """The group that may open the socket; libvirt's usual group if that cannot be determined."""
    try:
        owner = os.stat(path).st_gid
        return grp.getgrgid(owner).gr_name if owner else "libvirt"
    except (OSError, KeyError):
        return "libvirt"


def _or_read_only(text: str, readonly: bool) -> str:
    return text if readonly else f"{text}, {_READ_ONLY}"


def _ssh_command(parts: SplitResult) -> str:
    host = f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)
    return shlex.join(["ssh", *(["-p", str(parts.port)] if parts.port else []), host, "true"])
