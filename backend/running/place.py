"""What this machine's file system says of the place that a dump goes to."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import Enum, auto

from backend.text import clean


class Kind(Enum):
    """What is at a path."""

    FILE = auto()
    FOLDER = auto()
    LINK = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of a path. None: not known, as on another host or where this user may not look."""

    exists: bool | None = None
    folder: bool | None = None
    """Whether the folder that it is in exists."""
    free: int | None = None
    """Bytes that can still be written there."""
    kind: Kind | None = None
    """What exists there; None if nothing does, or that is unknown."""
    link_target: str = ""
    """Where a link leads, cleaned."""


def look_at(path: str) -> Place:
    """Blocks for as long as the file system does."""
    try:
        room = os.statvfs(os.path.dirname(path))
    except FileNotFoundError:
        return Place(exists=False, folder=False)
    except OSError:
        return Place()
    free = room.f_bavail * room.f_frsize
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return Place(exists=False, folder=True, free=free)
    except OSError:
        return Place(folder=True, free=free)
    if os.path.isdir(path):
        return Place(True, True, free, Kind.FOLDER)
    if stat.S_ISLNK(mode):
        return Place(True, True, free, Kind.LINK, clean(os.path.realpath(path)))
    return Place(True, True, free, Kind.FILE if stat.S_ISREG(mode) else Kind.OTHER)
