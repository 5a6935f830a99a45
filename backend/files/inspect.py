"""What a dump file really is, and whether it is whole, without reading its gigabytes.

Every number in a file is taken for what it is: a claim of the file's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from backend.errors import Unreadable
from backend.files import elf, kdump, simulated, stream, windows
from backend.files.content import HEAD, Content, Damaged
from backend.files.dumpfile import MIGRATION_STREAM, DumpFile
from backend.files.target import DumpTarget
from backend.text import clean

_FORMATS: dict[bytes, tuple[str, Callable[[BinaryIO, bytes, int], Content]]] = {
    elf.MAGIC: (elf.FORMAT, elf.examine),
    kdump.FLATTENED_MAGIC: (kdump.FLATTENED_FORMAT, kdump.examine_flattened),
    kdump.MAGIC: (kdump.FORMAT, kdump.examine),
    windows.MAGIC_64: (windows.FORMAT, windows.examine_64),
    windows.MAGIC_32: (windows.FORMAT, windows.examine_32),
    stream.MAGIC: (MIGRATION_STREAM, stream.examine),
    stream.SAVED_MAGIC: (stream.SAVED_FORMAT, stream.examine_saved),
    stream.PARTLY_SAVED_MAGIC: (stream.SAVED_FORMAT, stream.examine_partly_saved),
    simulated.MAGIC: (simulated.FORMAT, simulated.examine),
}
"""What a file begins with -> its format, and what looks at the rest of it."""
_ENDED_BY_SIZE = {MIGRATION_STREAM, stream.SAVED_FORMAT, simulated.FORMAT}
"""Formats whose end is the file's end."""


def inspect(path: str | Path) -> DumpFile:
    """Look at a dump file, or at a block device. OperationFailed where it cannot be read.

    May take a second for each 16 GiB of kdump.
    """
    return inspect_target(DumpTarget.open(path, devices=True))


def inspect_target(target: DumpTarget) -> DumpFile:
    """What the file that is held is now. Unreadable where it cannot be read."""
    try:
        size = target.size
        with target.reader() as file:
            content = _examine(file, size)
            if target.device:
                content = _on_device(content)
    except OSError as error:
        raise Unreadable(f"cannot read {clean(target.path)}: {error.strerror}") from None
    return DumpFile(
        target.path,
        content.format,
        size,
        content.whole,
        content.detail,
        content.architecture,
        content.memory,
    )


def _on_device(content: Content) -> Content:
    """What is left of the answer if the file is a block device.

    What an earlier dump left there may complete this one, and what ends a file is not at a device's end. Only what no
    complete dump has, such as headers that announce more than the device holds, still proves something.
    """
    if content.whole is False and content.format not in _ENDED_BY_SIZE:
        return content
    detail = "On a block device, old data may follow a dump that was cut short: nobody can tell where it ends."
    return replace(content, whole=None, detail=detail)


def _examine(file: BinaryIO, size: int) -> Content:
    if size == 0:
        return Content("unknown", False, "The file is empty.")
    head = file.read(HEAD)
    for magic, (format_name, examine) in _FORMATS.items():
        if head.startswith(magic):
            try:
                return examine(file, head, size)
            except (Damaged, struct.error) as error:
                reason = str(error) if isinstance(error, Damaged) else "its headers are cut short"
                return Content(format_name, False, f"The file is damaged: {reason}.")
    return Content("unknown", None, "The file begins like no dump that is known.")
