"""What a dump file really is, and whether it is whole, without reading its gigabytes.

Layouts: ELF by its own headers; kdump as in QEMU's include/sysemu/dump.h and makedumpfile; Windows dumps as in
QEMU's include/qemu/win_dump_defs.h; migration streams as in QEMU's migration/savevm.c; saved images as in
libvirt's qemu_saveimage.h. Every number in a file is taken for what it is: a claim of the file's.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from backend.errors import OperationFailed
from backend.text import clean

_HEAD = 1 << 16
"""Bytes that are read of the begin: more than any header has."""
_TAIL = 4 << 20
"""Bytes that are read of the end of a migration stream, to find its description of the devices."""
_PIECE = 1 << 20
"""Bytes that are looked at at once where there may be many."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """What was found in a file. `memory` is in bytes, None where the format does not say."""

    path: str
    format: str
    """In words; "unknown" where it is none of those that are known."""
    size: int
    whole: bool | None
    """Whether nothing is missing at its end; None where the format cannot tell."""
    detail: str
    """One sentence that says how that is known."""
    architecture: str | None = None
    memory: int | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    format: str
    whole: bool | None
    detail: str
    architecture: str | None = None
    memory: int | None = None


class _Damaged(Exception):
    """The file claims to be something that it cannot be."""


def inspect(path: str | Path) -> DumpFile:
    """Look at a dump file. OperationFailed where it cannot be read. May take a second for each 16 GiB of kdump."""
    return DumpTarget.open(path).inspect()


class DumpTarget:
    """A file held open, so that it stays the one that is meant, whatever becomes of its name.

    It is let go with its last reference: a thread that still reads it may outlive whoever asked for that.
    The calls may block as long as the storage does.
    """

    def __init__(self, path: str, descriptor: int, since: float) -> None:
        self.path = path
        self.since = since
        """A time, on the monotonic clock, at which it was what its domain was dumped to."""
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: str | Path, through: str | Path | None = None, since: float | None = None) -> Self:
        """Open the file at `path`, reached `through` another name of it where that is given. OperationFailed if not.

        Its `since` is now, if it is not known better.
        """
        since = time.monotonic() if since is None else since
        shown, reached = clean(str(path)), through or path
        try:
            # Looked at before it is opened: opening a FIFO would make us the reader that a dump waits for.
            if not stat.S_ISREG(os.stat(reached).st_mode):
                raise OperationFailed(f"{shown} is not a regular file")
            return cls(str(path), os.open(reached, os.O_RDONLY | os.O_CLOEXEC), since)
        except OSError as error:
            raise OperationFailed(f"cannot read {shown}: {error.strerror}") from None

    @property
    def linked(self) -> bool:
        """Whether the file still has a name somewhere."""
        return os.fstat(self._descriptor).st_nlink > 0

    @property
    def modified(self) -> float:
        """When it was last written to, in seconds since the epoch."""
        return os.fstat(self._descriptor).st_mtime

    def inspect(self) -> DumpFile:
        """What the file is now. OperationFailed where it cannot be read."""
        try:
            size = os.fstat(self._descriptor).st_size
            with open(self._descriptor, "rb", buffering=0, closefd=False) as file:
                file.seek(0)
                found = _look(file, size)
        except OSError as error:
            raise OperationFailed(f"cannot read {clean(self.path)}: {error.strerror}") from None
        return DumpFile(self.path, found.format, size, found.whole, found.detail, found.architecture, found.memory)

    def __del__(self) -> None:
        os.close(self._descriptor)


def _look(file: BinaryIO, size: int) -> _Found:
    if size == 0:
        return _Found("unknown", False, "The file is empty.")
    head = file.read(_HEAD)
    for magic, (format, examine) in _FORMATS.items():
        if head.startswith(magic):
            try:
                return examine(file, head, size)
            except (_Damaged, struct.error) as error:
                reason = str(error) if isinstance(error, _Damaged) else "its headers are cut short"
                return _Found(format, False, f"The file is damaged: {reason}.")
    return _Found("unknown", None, "The file begins like no dump that is known.")


def _elf(file: BinaryIO, head: bytes, size: int) -> _Found:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(file)
        parts = [
            (segment["p_type"], segment["p_offset"] + segment["p_filesz"], segment["p_filesz"])
            for segment in elf.iter_segments()
        ]
        ends = [end for _, end, _ in parts]
        ends += [
            section["sh_offset"] + section["sh_size"]
            for section in elf.iter_sections()
            if section["sh_type"] != "SHT_NOBITS"
        ]
        kind, architecture = elf["e_type"], str(elf.get_machine_arch())
    except (ELFError, ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError, UnicodeDecodeError):
        raise _Damaged("its ELF headers do not hold together") from None
    if kind != "ET_CORE":
        raise _Damaged("it is an ELF file, but no core")
    memory = sum(length for type, _, length in parts if type == "PT_LOAD")
    if not memory:
        raise _Damaged("it has no memory segment")
    return _measured("ELF core", size, max(ends), architecture, memory)


def _measured(format: str, size: int, needed: int, architecture: str | None, memory: int | None) -> _Found:
    """A format whose headers, written first, say how long the file must be."""
    if size < needed:
        return _Found(format, False, f"{needed - size} bytes are missing at its end.", architecture, memory)
    return _Found(format, True, "Everything that its headers announce is in the file.", architecture, memory)


_KDUMP_HEADER = struct.Struct("<8sI390s22sIIIII")
_KDUMP_MAGIC = b"KDUMP   "


@dataclass(frozen=True, slots=True)
class _Kdump:
    """The header of a kdump, as far as it is needed here."""

    architecture: str
    block: int
    bitmap_at: int
    bitmap_length: int
    """Of one bitmap; the second, of the pages that were dumped, follows the first."""

    @classmethod
    def parse(cls, header: bytes) -> _Kdump:
        magic, _, names, _, _, block, sub_header, bitmap_blocks, _ = _KDUMP_HEADER.unpack_from(header)
        if magic != _KDUMP_MAGIC or not 512 <= block <= 1 << 20:
            raise _Damaged("its kdump header does not hold together")
        machine = names[4 * 65 : 5 * 65].split(b"\0")[0].decode("ascii", "replace")
        return cls(clean(machine), block, (1 + sub_header) * block, bitmap_blocks * block // 2)


_CHUNK = struct.Struct(">qq")
_FLAT_HEADER = 4096


def _flattened(file: BinaryIO, head: bytes, size: int) -> _Found:
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
            raise _Damaged("its chain of chunks is broken")
        at += _CHUNK.size
        if offset == 0 and kdump is None:
            kdump = _Kdump.parse(os.pread(file.fileno(), min(length, 512), at))
        elif kdump and kdump.bitmap_at + kdump.bitmap_length <= offset < kdump.bitmap_at + 2 * kdump.bitmap_length:
            pages += _ones(file, at, min(at + length, size))
        at += length
    if kdump is None:
        return _Found("kdump, flattened", False, detail)
    return _Found("kdump, flattened", whole and pages > 0, detail, kdump.architecture, pages * kdump.block)


def _ones(file: BinaryIO, at: int, end: int) -> int:
    """How many bits are set there. Holes, which a sparse file has for nothing and of any size, are not read."""
    count = 0
    while at < end:
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:
            break  # There is nothing but a hole from here on.
        some = os.pread(file.fileno(), max(0, min(end - at, _PIECE)), at)
        if not some:
            break
        count += int.from_bytes(some).bit_count()
        at += len(some)
    return count


_PAGE = struct.Struct("<qI4x8x")


def _kdump(file: BinaryIO, head: bytes, size: int) -> _Found:
    """In a kdump each dumped page has a descriptor with its place and length."""
    kdump = _Kdump.parse(head)
    table = kdump.bitmap_at + 2 * kdump.bitmap_length
    if table > size:
        return _Found("kdump", False, "It ends before its pages begin.", kdump.architecture)
    pages = _ones(file, kdump.bitmap_at + kdump.bitmap_length, table)
    # Pages are written in order, so the last descriptors have the highest places (zero pages share one).
    first = max(0, pages - _HEAD // _PAGE.size)
    last = os.pread(file.fileno(), (pages - first) * _PAGE.size, table + first * _PAGE.size)
    if len(last) < (pages - first) * _PAGE.size or not pages:
        return _Found("kdump", False, "It ends before its pages begin.", kdump.architecture, pages * kdump.block)
    needed = max(offset + length for offset, length in _PAGE.iter_unpack(last))
    return _measured("kdump", size, needed, kdump.architecture, pages * kdump.block)


def _windows_64(file: BinaryIO, head: bytes, size: int) -> _Found:
    runs, pages = struct.unpack_from("<I4xQ", head, 0x88)
    return _windows(head, size, 0x2000, runs, pages, {0x8664: "x64", 0xAA64: "AArch64"}, 0x30)


def _windows_32(file: BinaryIO, head: bytes, size: int) -> _Found:
    runs, pages = struct.unpack_from("<II", head, 0x64)
    return _windows(head, size, 0x1000, runs, pages, {0x14C: "x86"}, 0x20)


def _windows(
    head: bytes, size: int, header: int, runs: int, pages: int, machines: dict[int, str], machine_at: int
) -> _Found:
    if not 0 < runs <= 64 or not pages:
        raise _Damaged("its header names no memory")
    (machine,) = struct.unpack_from("<I", head, machine_at)
    return _measured("Windows dump", size, header + pages * 4096, machines.get(machine), pages * 4096)


_RAM = re.compile(rb"\x01.{4}\x03ram.{8}(.{8})", re.DOTALL)
_DESCRIPTION = re.compile(rb"\x00\x06(.{4})\{", re.DOTALL)


def _stream(file: BinaryIO, head: bytes, size: int) -> _Found:
    """A migration stream ends with a mark and the description of the devices, which has its length before it."""
    ram = _RAM.search(head)
    memory = int.from_bytes(ram[1]) & ~0xFFF if ram else None  # The low bits of the number are flags.
    begin = max(0, size - _TAIL)
    tail = os.pread(file.fileno(), _TAIL, begin)
    for mark in _DESCRIPTION.finditer(tail):
        if mark.end() - 1 + int.from_bytes(mark[1]) == len(tail):
            return _Found("migration stream", True, "Its end mark and device description close it.", None, memory)
    return _Found("migration stream", False, "The end mark of the migration stream is missing.", None, memory)


_SAVED = re.compile(rb"<type[^>]* arch=['\"]([\w-]{1,20})['\"]")


def _saved(file: BinaryIO, head: bytes, size: int) -> _Found:
    architecture = _SAVED.search(head)
    arch = architecture[1].decode("ascii") if architecture else None
    stream = _stream(file, head, size)
    return _Found("saved image", stream.whole, stream.detail, arch, stream.memory)


def _partly_saved(file: BinaryIO, head: bytes, size: int) -> _Found:
    return _Found("saved image", False, "Its header says that saving was never finished.")


SIMULATED_MAGIC = b"TestGuestMagic_"
"""What libvirt's test driver begins its files with; the format's number follows."""
SIMULATED_END = b"TestGuestEnd"
"""The last bytes of the memory of a simulated domain."""


def _simulated(file: BinaryIO, head: bytes, size: int) -> _Found:
    memory = size - len(SIMULATED_MAGIC) - 1
    end = os.pread(file.fileno(), len(SIMULATED_END), max(0, size - len(SIMULATED_END)))
    if end == SIMULATED_END:
        return _Found("simulated dump", True, "It ends as the memory of a simulated domain does.", None, memory)
    return _Found("simulated dump", False, "The end of the simulated memory is missing.")


_FORMATS: dict[bytes, tuple[str, Callable[[BinaryIO, bytes, int], _Found]]] = {
    b"\x7fELF": ("ELF core", _elf),
    b"makedumpfile\0": ("kdump, flattened", _flattened),
    _KDUMP_MAGIC: ("kdump", _kdump),
    b"PAGEDU64": ("Windows dump", _windows_64),
    b"PAGEDUMP": ("Windows dump", _windows_32),
    b"QEVM": ("migration stream", _stream),
    b"LibvirtQemudSave": ("saved image", _saved),
    b"LibvirtQemudPart": ("saved image", _partly_saved),
    SIMULATED_MAGIC: ("simulated dump", _simulated),
}
