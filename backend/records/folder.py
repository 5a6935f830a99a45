"""The folder where virt-jobs keeps its state: private to this user, and never reached through somebody else's links."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from backend.errors import JournalError

_ELSEWHERE = "set XDG_STATE_HOME to a folder of your own"


def state_folder() -> Path:
    """Where virt-jobs keeps its state; created, private to this user, on first use. JournalError if it cannot be."""
    try:
        folder = Path(platformdirs.user_state_dir("virt-jobs"))
    except RuntimeError:
        raise JournalError(f"this user has no home folder to keep state in; {_ELSEWHERE}") from None
    try:
        private_folder(folder)
    except OSError as error:
        raise JournalError(f"cannot use the state folder {folder}: {error.strerror}; {_ELSEWHERE}") from None
    return folder


def private_folder(path: Path) -> None:
    """Make `path` a private folder of this user (0700). OSError if that is impossible."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = os.stat(path)
    _refuse_others(status)
    if status.st_mode & 0o077:
        path.chmod(0o700)


def private_file(path: Path) -> None:
    """Make `path` a private regular file of this user (0600). OSError if that is impossible.

    An existing file is not opened: closing a file that another thread has open would drop the locks that this
    process holds on it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, "it is a symbolic link; put the file itself there")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EISDIR, "it is no regular file; move it away")
    _refuse_others(status)
    if status.st_mode & 0o077:
        path.chmod(0o600)


def is_missing(path: str | Path) -> bool:
    """Whether nothing exists at `path`. What cannot be examined, because it is forbidden or fails, may well exist."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on `path`, by a file beside it; blocks while another process holds it. OSError if it cannot.

    For what SQLite does not lock: creating the file, and renaming it.
    """
    with open(os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_others(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise PermissionError(errno.EACCES, f"it belongs to another user (uid {status.st_uid})")
