"""The files that simulated dumps leave, which begin like those of libvirt's test driver."""

from __future__ import annotations

import os
from typing import BinaryIO

from backend.files.content import Content

MAGIC = b"TestGuestMagic_"
"""What libvirt's test driver begins its files with; the format's number follows."""
END = b"TestGuestEnd"
"""The last bytes of the memory of a simulated domain."""
FORMAT = "simulated dump"


def examine(file: BinaryIO, head: bytes, size: int) -> Content:
    memory = size - len(MAGIC) - 1
    end = os.pread(file.fileno(), len(END), max(0, size - len(END)))
    if end == END:
        return Content(FORMAT, True, "It ends as the memory of a simulated domain does.", None, memory)
    return Content(FORMAT, False, "The end of the simulated memory is missing.")
