"""Turns libvirt's errors into the contract's typed errors, which keep libvirt's code and message."""

from __future__ import annotations

import libvirt

from backend.errors import (
    BackendError,
    DomainBusy,
    NoConnection,
    NoSuchDomain,
    NotAnswering,
    NotPermitted,
    NotSupported,
    OperationCancelled,
    OperationFailed,
)
from backend.text import clean

INVALID: int = libvirt.VIR_ERR_OPERATION_INVALID
"""55: the call does not fit the domain's state. The meaning depends on the call."""
NO_DISK: int = libvirt.VIR_ERR_INVALID_ARG
"""8, in answer to a call about the job of a disk: the domain has no such disk, or the disk no job to end."""
NOT_READY: int = libvirt.VIR_ERR_BLOCK_COPY_ACTIVE
"""83: the job cannot be pivoted to, not yet or because it does not mirror."""
NO_METADATA: int = libvirt.VIR_ERR_NO_DOMAIN_METADATA

PERMISSION_CODES = frozenset(
    {
        libvirt.VIR_ERR_OPERATION_DENIED,
        libvirt.VIR_ERR_AUTH_FAILED,
        libvirt.VIR_ERR_AUTH_CANCELLED,
        libvirt.VIR_ERR_AUTH_UNAVAILABLE,
        libvirt.VIR_ERR_ACCESS_DENIED,
    }
)
_TYPES: dict[int, type[BackendError]] = {
    libvirt.VIR_ERR_NO_DOMAIN: NoSuchDomain,
    libvirt.VIR_ERR_INVALID_CONN: NoConnection,
    libvirt.VIR_ERR_OPERATION_TIMEOUT: DomainBusy,
    libvirt.VIR_ERR_OPERATION_ABORTED: OperationCancelled,
    libvirt.VIR_ERR_NO_SUPPORT: NotSupported,
    libvirt.VIR_ERR_INVALID_ARG: NotSupported,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED: NotSupported,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED: NotSupported,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED: NotSupported,
    **dict.fromkeys(PERMISSION_CODES, NotPermitted),
}
# The client's library raises these if the connection is broken: "client socket is closed",
# "End of file while reading data", "connection closed due to keepalive timeout".
_BROKEN_LINE = frozenset({libvirt.VIR_ERR_INTERNAL_ERROR, libvirt.VIR_ERR_SYSTEM_ERROR})


def typed(error: libvirt.libvirtError) -> BackendError:
    """The typed error for `error`, by its code; OperationFailed if no other type fits."""
    code = error.get_error_code()
    kind = _TYPES.get(code, OperationFailed)
    if error.get_error_domain() == libvirt.VIR_FROM_RPC and code in _BROKEN_LINE:
        kind = NoConnection
    return kind(message_of(error), code=code)


def of_query(subject: str, error: libvirt.libvirtError) -> BackendError:
    """The same for a call that only asks: one for which the domain's lock was not free was not answered.

    The holder that libvirt names may be a look of one's own that hangs.
    """
    failure = typed(error)
    if not isinstance(failure, DomainBusy):
        return failure
    return NotAnswering(f"{subject}: no answer: {failure.message}", code=failure.code)


def message_of(error: libvirt.libvirtError) -> str:
    """libvirt's own message, cleaned."""
    return clean(error.get_error_message() or str(error))
