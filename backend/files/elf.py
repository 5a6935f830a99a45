"""ELF cores, measured by their own headers."""

from __future__ import annotations

import errno
from typing import BinaryIO

from backend.files.content import Content, Damaged, measured

MAGIC = b"\x7fELF"
FORMAT = "ELF core"
_NO_PLACE = {errno.EINVAL, errno.EOVERFLOW, errno.EFBIG}
"""Errors of reading where no file can have anything."""


def examine(file: BinaryIO, head: bytes, size: int) -> Content:
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
    except (ELFError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise Damaged("its ELF headers do not hold together") from None
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise  # Storage that cannot be read says nothing about the file.
        raise Damaged("its ELF headers do not hold together") from None
    if kind != "ET_CORE":
        raise Damaged("it is an ELF file, but no core")
    memory = sum(length for segment_type, _, length in parts if segment_type == "PT_LOAD")
    if not memory:
        raise Damaged("it has no memory segment")
    return measured(FORMAT, size, max(ends), architecture, memory)
