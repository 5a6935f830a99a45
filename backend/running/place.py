"""What this machine's file system says of the place that a dump goes to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from pathlib import Path

from backend.text import clean
from backend.threads import in_thread

DEADLINE = 2.0
"""Seconds that a file system has to answer."""
BLOCK = 512
"""Bytes; the unit of st_blocks."""
SECTOR = 512
"""Bytes; the unit of a block device's size in sysfs."""


class Kind(Enum):
    """What is at a path."""

    FILE = auto()
    FOLDER = auto()
    LINK = auto()
    BLOCK_DEVICE = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of a path. None: not known, as on another host or where this user may not look.

    Only what the file system says does not exist does not exist: an error of any other kind says nothing about it.
    """

    exists: bool | None = None
    folder: bool | None = None
    """Whether the folder that it is in exists."""
    free: int | None = None
    """Bytes that can still be written there."""
    kind: Kind | None = None
    """What exists there; None if nothing does, or that is unknown."""
    link_target: str = ""
    """Where a link leads, cleaned."""
    hidden: str = ""
    """Why this machine cannot tell, cleaned; empty if it can."""
    readonly: bool = False
    """Whether its file system is mounted read-only: nobody can write there."""
    forbidden: bool = field(default=False, compare=False)
    """Whether this user may not write there, which says nothing about other users."""
    occupied: int = 0
    """Bytes that the file which exists there takes, and gives back when it is replaced."""
    filesystem: int | None = field(default=None, compare=False)
    """What file system the free space is that of; a number that only tells it from others."""

    @property
    def caveat(self) -> str:
        """Why this machine cannot tell, and that this says nothing about the hypervisor; empty if it can."""
        return f"{self.hidden}; libvirt may still be able to write there" if self.hidden else ""


async def look(path: str) -> Place:
    """`look_at`, in a thread of its own. A file system that does not answer in time hides the place."""
    looking = in_thread(partial(look_at, path), "dump path")
    await asyncio.wait({looking}, timeout=DEADLINE)
    return looking.result() if looking.done() else silent(path)


def silent(path: str) -> Place:
    """A place on a file system that does not answer."""
    return Place(hidden=f"cannot look into {clean(os.path.dirname(path))} (it does not answer)")


def look_at(path: str) -> Place:
    """Blocks for as long as the file system does."""
    try:
        return _look_at(path)
    except OSError as error:
        reason = f"cannot look into {clean(os.path.dirname(path))} ({error.strerror})"
        return Place(hidden=reason, forbidden=isinstance(error, PermissionError))
    except ValueError:  # No name that a file can have.
        return Place()


def _look_at(path: str) -> Place:
    try:
        free = _free(os.path.dirname(path))
    except FileNotFoundError:
        return Place(exists=False, folder=False)
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return _with_rights(Place(exists=False, folder=True, free=free), path)
    place = _occupied(path, status, free)
    return place if place.kind in (Kind.FOLDER, Kind.BLOCK_DEVICE) else _with_rights(place, path)


def _occupied(path: str, status: os.stat_result, free: int) -> Place:
    """The place of something that exists."""
    if stat.S_ISLNK(status.st_mode):
        return _link(path)
    if stat.S_ISDIR(status.st_mode):
        return Place(True, True, free, Kind.FOLDER)
    if stat.S_ISREG(status.st_mode):
        # Where it has another name, its blocks stay in use.
        freed = status.st_blocks * BLOCK if status.st_nlink == 1 else 0
        return Place(True, True, free, Kind.FILE, occupied=freed)
    if stat.S_ISBLK(status.st_mode):
        return Place(True, True, _device_size(status.st_rdev), Kind.BLOCK_DEVICE)
    return Place(True, True, None, Kind.OTHER)


def _link(path: str) -> Place:
    """What is behind the link counts, as far as that can be seen."""
    target, free = os.path.realpath(path), None
    with contextlib.suppress(OSError):
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            return Place(True, True, _free(target), Kind.FOLDER)
        if stat.S_ISBLK(status.st_mode):
            return Place(True, True, _device_size(status.st_rdev), Kind.BLOCK_DEVICE)
    with contextlib.suppress(OSError):
        free = _free(os.path.dirname(target))
    return Place(True, True, free, Kind.LINK, clean(target))


def _with_rights(place: Place, path: str) -> Place:
    """The place with what this user may do there, as far as that can be seen."""
    written = os.path.realpath(path)
    if not os.path.exists(written):
        written = os.path.dirname(written)
    try:
        readonly = bool(os.statvfs(written).f_flag & os.ST_RDONLY)
        forbidden = not readonly and not os.access(written, os.W_OK | (os.X_OK if os.path.isdir(written) else 0))
        return replace(place, readonly=readonly, forbidden=forbidden, filesystem=os.stat(written).st_dev)
    except OSError:  # It is there no more, or a link leads to where this user may not look.
        return place


def _free(folder: str) -> int:
    """Bytes that this user may still write there."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def _device_size(device: int) -> int | None:
    """Bytes; None if this machine does not say."""
    try:
        return int(Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/size").read_text()) * SECTOR
    except (OSError, ValueError):
        return None
