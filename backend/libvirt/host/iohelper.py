"""The file of a running dump, found through the processes that write it.

QEMU writes into a pipe; at its other end a ``libvirt_iohelper PATH FD`` writes what it reads to the file. Seen on
libvirt 9.0.0: the helper's standard input is the pipe, its standard output the file. Needs the rights to look
into both processes (root, or the user of a session daemon).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from backend.errors import OperationFailed
from backend.files.dumpfile import DumpTarget
from backend.libvirt.host.processes import began, processes
from backend.text import clean

_HELPER = "libvirt_iohelper"


def dump_target(uuid: str) -> DumpTarget | None:
    """The file that the domain's QEMU is dumping to, held open; None where it cannot be seen. Takes some ms."""
    helpers: list[tuple[Path, str, str]] = []
    pipes: set[str] = set()
    for process, arguments in processes():
        if os.path.basename(arguments[0]) == _HELPER and len(arguments) > 1:
            helpers.extend((process, arguments[1], pipe) for pipe in _links(process, ["0"]))
        elif uuid in arguments:
            pipes.update(_links(process))
    for process, path, pipe in helpers:
        if pipe in pipes:
            with contextlib.suppress(OperationFailed, OSError):
                return DumpTarget.open(clean(path), process / "fd" / "1", began(process))
    return None


def _links(process: Path, names: Iterable[str] | None = None) -> Iterator[str]:
    """What the process's descriptors stand for, pipes only: ``pipe:[17019]``."""
    folder = process / "fd"
    with contextlib.suppress(OSError):
        for name in names or os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                target = os.readlink(folder / name)
                if target.startswith("pipe:"):
                    yield target
