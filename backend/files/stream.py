"""Migration streams as in QEMU's migration/savevm.c, which raw dumps are, and libvirt's saved images around them."""

from __future__ import annotations

import os
import re
from typing import BinaryIO

from backend.files.content import Content
from backend.files.dumpfile import MIGRATION_STREAM

MAGIC = b"QEVM"
SAVED_MAGIC = b"LibvirtQemudSave"
PARTLY_SAVED_MAGIC = b"LibvirtQemudPart"
SAVED_FORMAT = "saved image"
_TAIL = 4 << 20
"""Bytes that are read of the end of a stream, to find its description of the devices."""
_RAM = re.compile(rb"\x01.{4}\x03ram.{8}(.{8})", re.DOTALL)
_DESCRIPTION = re.compile(rb"\x00\x06(.{4})\{", re.DOTALL)
_ARCHITECTURE = re.compile(rb"<type[^>]* arch=['\"]([\w-]{1,20})['\"]")


def examine(file: BinaryIO, head: bytes, size: int) -> Content:
    """A migration stream ends with a mark and the description of the devices, which has its length before it."""
    ram = _RAM.search(head)
    memory = int.from_bytes(ram[1]) & ~0xFFF if ram else None  # The low bits of the number are flags.
    begin = max(0, size - _TAIL)
    tail = os.pread(file.fileno(), _TAIL, begin)
    for mark in _DESCRIPTION.finditer(tail):
        if mark.end() - 1 + int.from_bytes(mark[1]) == len(tail):
            return Content(MIGRATION_STREAM, True, "Its end mark and device description close it.", None, memory)
    return Content(MIGRATION_STREAM, False, "The end mark of the migration stream is missing.", None, memory)


def examine_saved(file: BinaryIO, head: bytes, size: int) -> Content:
    """A saved image is a header with the domain's XML (libvirt's qemu_saveimage.h) and a migration stream."""
    match = _ARCHITECTURE.search(head)
    architecture = match[1].decode("ascii") if match else None
    stream = examine(file, head, size)
    return Content(SAVED_FORMAT, stream.whole, stream.detail, architecture, stream.memory)


def examine_partly_saved(file: BinaryIO, head: bytes, size: int) -> Content:
    return Content(SAVED_FORMAT, False, "Its header says that saving was never finished.")
