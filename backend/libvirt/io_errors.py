"""What libvirt and QEMU say of disks that do not work. All of it blocks, and enters the domain's monitor."""

from __future__ import annotations

import re

import libvirt

from backend.libvirt.connection.connection import Connection
from backend.model import DomainKey
from backend.text import clean

_IO_ERRORS = 1 << 2
"""VIR_DOMAIN_MESSAGE_IOERRORS: newer than the oldest binding and daemon that virt-jobs works with."""
_WORDS = {libvirt.VIR_DOMAIN_DISK_ERROR_UNSPEC: "I/O error", libvirt.VIR_DOMAIN_DISK_ERROR_NO_SPACE: "no space left"}
_MESSAGE = re.compile(r".*\bdisk='([^']*)'.*\bmessage='(.*)'", re.DOTALL)
"""libvirt 12: ``I/O error: disk='vda', index='1', path='…', timestamp='…', message='No space left on device'``."""


def io_errors(key: DomainKey, connection: Connection) -> list[str]:
    """libvirt's own messages; from a daemon that keeps none (9.0.0), each disk with the kind of its error."""
    handle = connection.look_up(key)
    try:
        messages = [_short(clean(message)) for message in handle.messages(_IO_ERRORS)]
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_NO_SUPPORT):
            raise
        messages = []
    # What a message tells may have been over for long; these are the errors of now.
    errors = handle.diskErrors()
    return (messages if errors else []) or [
        f"{clean(disk)}: {_WORDS.get(number, f'error {number}')}" for disk, number in errors.items()
    ]


def _short(message: str) -> str:
    """The disk and the reason, which are what fits beside a domain; all of a message of another form."""
    parts = _MESSAGE.fullmatch(message)
    return f"{parts[1]}: {parts[2]}" if parts else message
