"""The file of a running dump, identified through the processes that write it.

QEMU writes into a pipe; at its other end a ``libvirt_iohelper PATH FD``, a child of the daemon, copies what it reads to
the file (libvirt 9.0.0 and 12.8.0): its standard input is the pipe, its standard output the file. Looking into both
processes takes root, or the user of a session daemon.

Any user can start processes that look like these. So a file counts only if the kernel, not the process, vouches for
each of them: who owns it, what it executes, whose child it is, and which file it really has open.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from backend.errors import OperationFailed
from backend.files.target import DumpTarget
from backend.libvirt.host.emulators import processes_of
from backend.libvirt.host.processes import began, executable, owner, parent, processes
from backend.log import ignored
from backend.text import clean

logger = logging.getLogger(__name__)

_HELPER = "libvirt_iohelper"
_DAEMONS = ("libvirtd", "virtqemud")


def dump_target(uuid: str, daemon_owner: int) -> DumpTarget | None:
    """The file that the domain's QEMU is dumping to, held open. Takes some ms.

    `daemon_owner` is the uid that the daemon runs as: 0, or the user of a session daemon. None where the file cannot be
    seen, or where more than one file could be it.
    """
    helpers = [
        (process, arguments[1])
        for process, arguments in processes()
        if os.path.basename(arguments[0]) == _HELPER and len(arguments) > 1 and _is_helper(process, daemon_owner)
    ]
    if not helpers:
        return None
    pipes = {pipe for process in processes_of(uuid, daemon_owner) for pipe in _pipes(process)}
    candidates = [(process, path) for process, path in helpers if pipes.intersection(_pipes(process, "0"))]
    if len(candidates) != 1:
        return None
    process, path = candidates[0]
    with ignored(logger, "the dump's file cannot be held", OperationFailed, OSError):
        written = process / "fd" / "1"
        # The helper sees the daemon's mounts, which may not be ours.
        if os.path.samestat(os.stat(written), os.stat(f"{process}/root{path}")):
            target = DumpTarget.open(clean(path), written, began(process))
            # If the helper has ended meanwhile, another process may have got its pid.
            return target if _is_helper(process, daemon_owner) else None
    return None


def _is_helper(process: Path, daemon_owner: int) -> bool:
    daemon = parent(process)
    return (
        owner(process) == daemon_owner
        and executable(process) == _HELPER
        and daemon is not None
        and owner(daemon) == daemon_owner
        and executable(daemon) in _DAEMONS
    )


def _pipes(process: Path, name: str = "") -> Iterator[str]:
    """The pipes that the process has open, as ``pipe:[17019]``; of one descriptor if `name` is given."""
    folder = process / "fd"
    with contextlib.suppress(OSError):
        for descriptor in [name] if name else os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                target = os.readlink(folder / descriptor)
                if target.startswith("pipe:"):
                    yield target
