"""When a file was created, which Python's own stat does not tell on Linux."""

from __future__ import annotations

import ctypes
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_AT_EMPTY_PATH = 0x1000
_STATX_BTIME = 0x800
_SIZE, _BIRTH = 256, 80
"""Bytes of a struct statx, and where its time of birth stands: seconds, nanoseconds (statx(2))."""


def birth(descriptor: int) -> float | None:
    """When the open file was created, in seconds since the epoch; None where its file system does not say."""
    if not hasattr(_libc, "statx"):
        return None
    status = ctypes.create_string_buffer(_SIZE)
    if _libc.statx(descriptor, b"", _AT_EMPTY_PATH, _STATX_BTIME, status) != 0:
        return None
    (known,) = struct.unpack_from("=I", status, 0)
    seconds, nanoseconds = struct.unpack_from("=qI", status, _BIRTH)
    return seconds + nanoseconds / 1e9 if known & _STATX_BTIME else None
