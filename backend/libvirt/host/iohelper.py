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
from dataclasses import dataclass
from pathlib import Path

from backend.errors import OperationFailed
from backend.files.target import DumpTarget
from backend.libvirt.host.emulators import processes_of
from backend.libvirt.host.processes import arguments_of, began, executable, owner, parent, processes
from backend.log import ignored
from backend.text import clean

logger = logging.getLogger(__name__)

HELPER = "libvirt_iohelper"
DAEMONS = ("libvirtd", "virtqemud")


@dataclass(frozen=True, slots=True)
class Helper:
    """A process that the kernel vouches for: the daemon's child that writes what it reads to a file."""

    process: Path
    path: str
    """The file, as the daemon sees it."""
    pipe: str
    """What it reads, as ``pipe:[17019]``."""

    @property
    def running(self) -> bool:
        """Whether it still is that process."""
        return self.pipe in pipes_of(self.process, "0")


def dump_target(uuid: str, daemon_owner: int) -> DumpTarget | None:
    """The file that the domain's QEMU is dumping to, held open. Takes some ms.

    `daemon_owner` is the uid that the daemon runs as: 0, or the user of a session daemon. None where the file cannot be
    seen, or where more than one file could be it.
    """
    helper = _helper_for(uuid, daemon_owner)
    return open_target(helper, daemon_owner) if helper is not None else None


def written_path(uuid: str, daemon_owner: int) -> str:
    """The path that the domain's QEMU is being dumped or saved to, as the daemon sees it; empty where that cannot be
    told. It touches no storage, and may name a device or a FIFO."""
    helper = _helper_for(uuid, daemon_owner)
    return clean(helper.path) if helper is not None else ""


def _helper_for(uuid: str, daemon_owner: int) -> Helper | None:
    """The only helper that reads what the domain's QEMU writes."""
    running = (helper_of(process, daemon_owner, arguments) for process, arguments in processes())
    helpers = [helper for helper in running if helper is not None]
    if not helpers:
        return None
    pipes = {pipe for process in processes_of(uuid, daemon_owner) for pipe in pipes_of(process)}
    candidates = [helper for helper in helpers if helper.pipe in pipes]
    return candidates[0] if len(candidates) == 1 else None


def helper_of(process: Path, daemon_owner: int, arguments: list[str] | None = None) -> Helper | None:
    """The process as a helper of the daemon's that writes a file; None if it is not one, or not yet.

    `arguments` are its own, if they are known.
    """
    arguments = arguments_of(process) if arguments is None else arguments
    if len(arguments) < 2 or os.path.basename(arguments[0]) != HELPER or not _is_helper(process, daemon_owner):
        return None
    pipe = next(pipes_of(process, "0"), None)
    return Helper(process, arguments[1], pipe) if pipe is not None else None


def open_target(helper: Helper, daemon_owner: int) -> DumpTarget | None:
    """The file that it writes, held open; None where that cannot be seen for certain."""
    with ignored(logger, "the dump's file cannot be held", OperationFailed, OSError):
        written = helper.process / "fd" / "1"
        # The helper sees the daemon's mounts, which may not be ours.
        if os.path.samestat(os.stat(written), os.stat(f"{helper.process}/root{helper.path}")):
            target = DumpTarget.open(clean(helper.path), written, began(helper.process))
            # If the helper has ended meanwhile, another process may have got its pid.
            return target if _is_helper(helper.process, daemon_owner) and helper.running else None
    return None


def _is_helper(process: Path, daemon_owner: int) -> bool:
    daemon = parent(process)
    return (
        owner(process) == daemon_owner
        and executable(process) == HELPER
        and daemon is not None
        and owner(daemon) == daemon_owner
        and executable(daemon) in DAEMONS
    )


def pipes_of(process: Path, name: str = "") -> Iterator[str]:
    """The pipes that the process has open, as ``pipe:[17019]``; of one descriptor if `name` is given."""
    folder = f"{process}/fd"
    with contextlib.suppress(OSError):
        for descriptor in [name] if name else os.listdir(folder):
            try:
                target = os.readlink(f"{folder}/{descriptor}")
            except FileNotFoundError:
                continue
            if target.startswith("pipe:"):
                yield target
