"""The QEMU processes that a daemon of this host has started, as far as the kernel vouches for them.

Any user can start a process with the arguments of a QEMU, so arguments alone prove nothing. The system daemon's QEMU
holds a write lock on its pid file from its start to its end (libvirt since 6.3: virPidFileAcquirePath). Only root can
open that file for writing, and the kernel names the holder of the lock to everybody who may read the file. So the lock
also outlives a daemon that hangs, and ends with the process: a stale pid file names nobody. The QEMU of a session
daemon belongs to the daemon's user, who can do to its domains whatever they like.

No daemon is involved, so none can block this.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from backend.libvirt.host.processes import PROC, arguments_of, executable, owner
from backend.model import DomainKey
from backend.text import clean

PID_FILES = Path("/run/libvirt/qemu")
"""Where the system daemon keeps the pid file of each domain, NAME.pid; only root can write there."""
ROOT = 0
"""The owner of these files."""
_FLOCK = struct.Struct("hhqqi4x")
"""struct flock of fcntl(2): type, whence, start, length, pid."""
_NAME = re.compile(r"guest=(.*?)(,debug-threads=on)?", re.DOTALL)
# Part of the paths in each domain's own folder, such as /var/lib/libvirt/qemu/domain-5-db-01/master-key.aes.
_ID = re.compile(r"/domain-(\d{1,9})-")


def emulators(daemon_owner: int) -> Iterator[tuple[Path, list[str], str | None]]:
    """The folder under /proc and the arguments of each QEMU, and its domain's name where the kernel vouches for that.

    `daemon_owner` is the uid that the daemon runs as: 0, or the user of a session daemon.
    """
    for process, name in candidates(daemon_owner):
        if arguments := arguments_of(process):
            yield process, arguments, name


def candidates(daemon_owner: int) -> Iterator[tuple[Path, str | None]]:
    """The same without their arguments: all processes of a session daemon's user. Their memory is not looked into."""
    if daemon_owner:
        with os.scandir(PROC) as folders:
            for folder in folders:
                with contextlib.suppress(OSError):  # It is gone.
                    if folder.stat().st_uid == daemon_owner and owner(process := Path(folder.path)) == daemon_owner:
                        yield process, None
        return
    for file in PID_FILES.glob("*.pid"):
        if (pid := _lock_holder(file)) is not None:
            yield PROC / str(pid), file.stem


def is_emulator(process: Path, name: str | None, daemon_owner: int) -> bool:
    """Whether a process that was listed, with the domain's `name`, still is one of these."""
    if daemon_owner:
        return owner(process) == daemon_owner
    return name is not None and _lock_holder(PID_FILES / f"{name}.pid") == int(process.name)


def processes_of(uuid: str, daemon_owner: int) -> Iterator[Path]:
    """The QEMU processes whose arguments name that domain and whose executable only root can have written."""
    for process, arguments, _ in emulators(daemon_owner):
        if ("-uuid", uuid) in pairwise(arguments) and executable(process) is not None:
            yield process


def running_domains(daemon_owner: int) -> list[DomainKey]:
    """The domains that run under the daemon, by the arguments of their QEMU (QEMU 7.2 under libvirt 9.0.0).

    QEMU itself can change its arguments. One that names another domain than its pid file does is left out, and so are
    those that claim the same uuid: which of them it is, is unknown.
    """
    keys = [key for _, arguments, name in emulators(daemon_owner) if (key := _key(arguments, name)) is not None]
    counts = Counter(key.uuid for key in keys)
    return [key for key in keys if counts[key.uuid] == 1]


def _key(arguments: list[str], name: str | None) -> DomainKey | None:
    values = dict(pairwise(arguments))
    claim, uuid = _NAME.fullmatch(values.get("-name", "")), values.get("-uuid")
    running_id = next((match[1] for argument in arguments if (match := _ID.search(argument))), None)
    if claim is None or uuid is None or running_id is None:
        return None
    claimed = claim[1].replace(",,", ",")
    return DomainKey(uuid, int(running_id), clean(claimed)) if name in (None, claimed) else None


def _lock_holder(file: Path) -> int | None:
    """The pid of the process that has locked the file for writing; None if nobody has, or it cannot be seen."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.fstat(descriptor).st_uid != ROOT:
            return None
        # A lock for writing would also be in the way of a reader's, which anybody can hold. So the type matters.
        request = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, request))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return pid if kind == fcntl.F_WRLCK and pid > 0 else None
