"""Whether a folder is on a file system of this machine alone."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_LOCAL = frozenset(b"bcachefs btrfs ext2 ext3 ext4 f2fs jfs nilfs2 overlay ramfs reiserfs rootfs tmpfs xfs zfs".split())
"""Types that no other machine writes to. Any other may be shared: NFS, SMB, 9p, FUSE, Ceph, Lustre, GFS2, ..."""


def is_local(folder: Path) -> bool:
    """Whether no other machine can have a file in `folder` open; False if that is unknown."""
    try:
        return _is_local(folder, os.stat(folder).st_dev)
    except (OSError, ValueError):
        return False


@lru_cache(maxsize=16)
def _is_local(folder: Path, device: int) -> bool:
    """`device` tells what is mounted there now from what was."""
    return _type(folder) in _LOCAL


def _type(folder: Path) -> bytes:
    """The type of the folder's file system, such as ext4 (proc(5)). Bytes: mount points may be named anything."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        facts = Path(f"/proc/self/fdinfo/{descriptor}").read_bytes().split()
    finally:
        os.close(descriptor)
    mount = facts[facts.index(b"mnt_id:") + 1]
    for line in _MOUNTS.read_bytes().splitlines():
        if line.startswith(mount + b" "):
            fields = line.split()
            return fields[fields.index(b"-", 6) + 1]
    raise ValueError(f"the mount of {folder} is not listed")
