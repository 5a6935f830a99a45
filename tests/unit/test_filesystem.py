"""Which file systems are this machine's alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.records import filesystem
from backend.records.filesystem import is_local


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of mounts, in which `mount_as` writes the type of the one that has this file."""
    monkeypatch.setattr(filesystem, "_MOUNTS", tmp_path / "mountinfo")
    filesystem._is_local.cache_clear()
    return tmp_path / "mountinfo"


def mount_as(mounts: Path, name: str, options: str = "") -> None:
    folder = os.open(mounts.parent, os.O_PATH)
    facts = Path(f"/proc/self/fdinfo/{folder}").read_text().split()
    os.close(folder)
    number = facts[facts.index("mnt_id:") + 1]
    other = f"{number}1 1 0:5 / /a\\040-\\040b rw - ext4 /dev/a rw\n".encode()
    mounts.write_bytes(other + f"{number} 1 0:9 / /x\\040y rw{options} - {name} hv1:/\\134 rw\n".encode() + b"\xff\n")


@pytest.mark.parametrize("name", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs"])
def test_a_disk_is_local(name: str, mounted: Path) -> None:
    mount_as(mounted, name, " shared:3 master:1")
    assert is_local(mounted.parent)


SHARED = "nfs nfs4 cifs smb3 9p virtiofs fuse fuse.sshfs fuse.glusterfs lustre ceph gfs2 ocfs2 afs unheard-of"


@pytest.mark.parametrize("name", SHARED.split())
def test_what_others_may_write_to_is_not(name: str, mounted: Path) -> None:
    mount_as(mounted, name)
    assert not is_local(mounted.parent)


@pytest.mark.parametrize("content", [b"", b"\xff\n", b"1 2 3\n"])
def test_what_is_not_known_is_not(content: bytes, mounted: Path) -> None:
    mounted.write_bytes(content)
    assert not is_local(mounted.parent)
    assert not is_local(mounted.parent / "missing")


def test_the_system_s_own_list_is_understood() -> None:
    assert not is_local(Path("/proc"))
