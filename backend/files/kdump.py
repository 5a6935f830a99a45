"""Compressed dumps, flattened or not, as in QEMU's include/sysemu/dump.h and in makedumpfile."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from backend.files.content import HEAD, Content, Damaged, measured
from backend.text import clean

MAGIC = b"KDUMP   "
FORMAT = "kdump"
FLATTENED_MAGIC = b"makedumpfile\0"
FLATTENED_FORMAT = "kdump, flattened"
_HEADER = struct.Struct("<8sI390s22sIIIII")
_CHUNK = struct.Struct(">qq")
_FLAT_HEADER = 4096
_PAGE = struct.Struct("<qI4x8x")
_PIECE = 1 << 20
"""Bytes of a bitmap that are read at once."""


@dataclass(frozen=True, slots=True)
class _Header:
    """The header of a kdump, as far as it is needed here."""

    architecture: str
    block: int
    bitmap_at: int
    bitmap_length: int
    """Of one bitmap; the second one, of the pages that were dumped, follows the first."""

    @classmethod
    def parse(cls, header: bytes) -> _Header:
        magic, _, names, _, _, block, sub_header, bitmap_blocks, _ = _HEADER.unpack_from(header)
        if magic != MAGIC or not 512 <= block <= 1 << 20:
            raise Damaged("its kdump header does not hold together")
        machine = names[4 * 65 : 5 * 65].split(b"\0")[0].decode("ascii", "replace")
        return cls(clean(machine), block, (1 + sub_header) * block, bitmap_blocks * block // 2)


def examine(file: BinaryIO, head: bytes, size: int) -> Content:
    """In a kdump each dumped page has a descriptor with its place and length."""
    header = _Header.parse(head)
    table = header.bitmap_at + 2 * header.bitmap_length
    if table > size:
        return Content(FORMAT, False, "It ends before its pages begin.", header.architecture)
    pages = _set_bits(file, header.bitmap_at + header.bitmap_length, table)
    # Pages are written in order, so the last descriptors have the highest places (zero pages share one).
    first = max(0, pages - HEAD // _PAGE.size)
    last = os.pread(file.fileno(), (pages - first) * _PAGE.size, table + first * _PAGE.size)
    if len(last) < (pages - first) * _PAGE.size or not pages:
        return Content(FORMAT, False, "It ends before its pages begin.", header.architecture, pages * header.block)
    needed = max(offset + length for offset, length in _PAGE.iter_unpack(last))
    return measured(FORMAT, size, needed, header.architecture, pages * header.block)


def examine_flattened(file: BinaryIO, head: bytes, size: int) -> Content:
    """A flattened kdump is a chain of chunks, each with its place and length; -1, -1 ends it."""
    at, kdump, pages = _FLAT_HEADER, None, 0
    while True:
        header = os.pread(file.fileno(), _CHUNK.size, at) if at < size else b""
        if len(header) < _CHUNK.size:
            whole, detail = False, "The mark at the end of the flattened file is missing."
            break
        offset, length = _CHUNK.unpack(header)
        if (offset, length) == (-1, -1):
            whole, detail = True, "The chain of chunks is unbroken up to the mark at its end."
            break
        if offset < 0 or length <= 0:
            raise Damaged("its chain of chunks is broken")
        at += _CHUNK.size
        if offset == 0 and kdump is None:
            kdump = _Header.parse(os.pread(file.fileno(), min(length, 512), at))
        elif kdump and kdump.bitmap_at + kdump.bitmap_length <= offset < kdump.bitmap_at + 2 * kdump.bitmap_length:
            pages += _set_bits(file, at, min(at + length, size))
        at += length
    if kdump is None:
        return Content(FLATTENED_FORMAT, False, detail)
    return Content(FLATTENED_FORMAT, whole and pages > 0, detail, kdump.architecture, pages * kdump.block)


def _set_bits(file: BinaryIO, at: int, end: int) -> int:
    """How many bits are set in that range. Holes, which a sparse file has at no cost and of any size, are not read."""
    count = 0
    while at < end:
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break  # Nothing but a hole from here on.
            if error.errno != errno.EINVAL:  # A block device has no holes.
                raise
        piece = os.pread(file.fileno(), max(0, min(end - at, _PIECE)), at)
        if not piece:
            break
        count += int.from_bytes(piece).bit_count()
        at += len(piece)
    return count
