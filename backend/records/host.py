"""The folder of the host's history: written by one process of root's, the witness, and readable for group libvirt."""

from __future__ import annotations

import errno
import fcntl
import grp
import json
import logging
import os
import stat
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.errors import JournalError, NotPermitted, WitnessRuns

logger = logging.getLogger(__name__)

HOST_FOLDER = "VIRT_JOBS_HOST_FOLDER"
"""The environment variable that names another folder for the host's history."""
GROUP = "libvirt"
"""Its members may read the history: they may read of all jobs from the daemon, too."""
_HOST_FOLDER = Path("/var/lib/virt-jobs")
_CLAIM = "witness.lock"
_LOCK = "hhqqi4x"
"""struct flock."""
_CLAIM_LIMIT = 4096
"""Bytes that are read of a claim."""


def host_folder() -> Path:
    """Where the host's witness keeps its history."""
    return Path(os.environ.get(HOST_FOLDER) or _HOST_FOLDER)


def host_file(path: Path) -> None:
    """Make `path` a regular file of this user's that the group may read (0640); 0600 without that group.

    OSError if that is impossible. As with `private_file`, a file that exists is not opened.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file; move it away")
    _let_group_read(path, status, 0o640)


def readable_by_group(folder: Path) -> bool:
    """Whether members of the group can look into the folder. OSError without one."""
    status = os.stat(folder)
    return status.st_gid == _group() and bool(status.st_mode & stat.S_IXGRP)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a witness says of itself."""

    pid: int
    version: str
    since: float
    """Seconds since the epoch."""
    uris: tuple[str, ...]
    running: bool
    """Whether it is at work."""


def claim_folder(version: str, uris: tuple[str, ...]) -> int:
    """Make the host's folder, and claim it for this process as long as the descriptor stays open.

    WitnessRuns where another one has it, NotPermitted where only another user could have such a folder, JournalError
    where it cannot be made.
    """
    folder = host_folder()
    try:
        _make_folder(folder)
        descriptor = os.open(folder / _CLAIM, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        kind = NotPermitted if isinstance(error, PermissionError) else JournalError
        advice = "run it as root" if os.geteuid() else "see its rights, and those of the folders above"
        raise kind(f"cannot use the host's folder {folder}: {error.strerror}; {advice}") from None
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _lock(fcntl.F_WRLCK))
    except OSError:
        os.close(descriptor)
        claim = read_claim()
        whose = f" (pid {claim.pid})" if claim is not None and claim.running else ""
        raise WitnessRuns(f"another witness{whose} keeps the history in {folder}; one is enough for a host") from None
    own = {"pid": os.getpid(), "version": version, "since": time.time(), "uris": uris}
    try:
        _let_group_read(folder / _CLAIM, os.fstat(descriptor), 0o640)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(own).encode(), 0)
    except OSError as error:  # Its disk may be full: the lock alone keeps others out.
        logger.warning("doctor will not see this witness: %s: %s", folder / _CLAIM, error.strerror)
    return descriptor


def read_claim() -> Claim | None:
    """What the latest witness says of itself, which may be over; None without one. OSError where it cannot be read."""
    try:
        with (host_folder() / _CLAIM).open("rb") as file:
            # Asked for, not taken: a witness that starts this moment is not kept out.
            there_is = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _lock(fcntl.F_WRLCK))
            values = json.loads(file.read(_CLAIM_LIMIT))
        return Claim(
            int(values["pid"]),
            str(values["version"]),
            float(values["since"]),
            tuple(map(str, values["uris"])),
            running=struct.unpack(_LOCK, there_is)[0] != fcntl.F_UNLCK,
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        logger.debug("the claim of a witness: %s", error)
        return None


def _lock(kind: int) -> bytes:
    """The lock of a whole file, which belongs to whoever has the file open (fcntl(2))."""
    return struct.pack(_LOCK, kind, os.SEEK_SET, 0, 0, 0)


def _make_folder(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(parents=True, mode=0o700)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "it is no folder, or a link to one")
    _let_group_read(folder, status, 0o750)


def _let_group_read(path: Path, status: os.stat_result, mode: int) -> None:
    """Give the group these rights, or nobody but this user any. PermissionError for what belongs to another user."""
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EACCES, f"it belongs to another user (uid {status.st_uid})")
    group = _group()
    if group is not None and status.st_gid != group:
        try:
            os.chown(path, -1, group)
        except PermissionError:
            group = None
    rights = mode if group is not None else mode & 0o700
    if stat.S_IMODE(status.st_mode) != rights:
        path.chmod(rights)


def _group() -> int | None:
    try:
        return grp.getgrnam(GROUP).gr_gid
    except KeyError:
        return None
