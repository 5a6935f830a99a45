"""Windows dumps, as in QEMU's include/qemu/win_dump_defs.h."""

from __future__ import annotations

import struct
from typing import BinaryIO

from backend.files.content import Content, Damaged, measured

MAGIC_64 = b"PAGEDU64"
MAGIC_32 = b"PAGEDUMP"
FORMAT = "Windows dump"
_PAGE = 4096


def examine_64(file: BinaryIO, head: bytes, size: int) -> Content:
    runs, pages = struct.unpack_from("<I4xQ", head, 0x88)
    return _examine(head, size, 0x2000, runs, pages, {0x8664: "x64", 0xAA64: "AArch64"}, 0x30)


def examine_32(file: BinaryIO, head: bytes, size: int) -> Content:
    runs, pages = struct.unpack_from("<II", head, 0x64)
    return _examine(head, size, 0x1000, runs, pages, {0x14C: "x86"}, 0x20)


def _examine(
    head: bytes, size: int, header: int, runs: int, pages: int, machines: dict[int, str], machine_at: int
) -> Content:
    if not 0 < runs <= 64 or not pages:
        raise Damaged("its header names no memory")
    (machine,) = struct.unpack_from("<I", head, machine_at)
    return measured(FORMAT, size, header + pages * _PAGE, machines.get(machine), pages * _PAGE)
