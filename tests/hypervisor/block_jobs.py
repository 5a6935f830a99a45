"""Disks of three layers, and jobs on them, as another program begins them."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

import libvirt

from backend.model import BlockOperation
from tests.eventually import eventually

CRAWL = 1
"""Bytes per second of a job that is held: it does what QEMU does at once, 16 MiB at most, and then sleeps."""
FULL_SPEED = 0
LAYERS = ("base", "middle", "top")


def layered_disk(folder: Path, mib: int) -> Path:
    """The top of a new disk of three layers, full of data; the top has its own in all but the first quarter."""
    here = Path(tempfile.mkdtemp(prefix="disk-", dir=folder))
    here.chmod(0o777)
    below: Path | None = None
    for number, name in enumerate(LAYERS, 1):
        layer = here / name
        backing = ["-b", str(below), "-F", "qcow2"] if below else []
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, layer, f"{mib}M"], check=True)
        skipped = mib // 4 if name == "top" else 0
        write = f"write -q -P {number} {skipped}M {mib - skipped}M"
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", write, layer], check=True, stdout=subprocess.DEVNULL)
        layer.chmod(0o666)
        below = layer
    assert below is not None
    return below


def begin(domain: Any, operation: BlockOperation, disk: Path, bandwidth: int = FULL_SPEED, name: str = "vda") -> Path:
    """Begin a job on a disk that `layered_disk` made, by a virDomain; where it leads: the copy, or a layer.

    A copy has a new target; a commit merges the middle into the base, an active commit the top into the middle.
    """
    layers = [str(disk.with_name(layer)) for layer in LAYERS]
    match operation:
        case BlockOperation.COPY:
            return copy(domain, target(disk.parent), bandwidth, name)
        case BlockOperation.COMMIT:
            domain.blockCommit(name, layers[0], layers[1], bandwidth, libvirt.VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES)
            return Path(layers[0])
        case BlockOperation.ACTIVE_COMMIT:
            flags = libvirt.VIR_DOMAIN_BLOCK_COMMIT_ACTIVE | libvirt.VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES
            domain.blockCommit(name, layers[1], None, bandwidth, flags)
            return Path(layers[1])
        case BlockOperation.PULL:
            domain.blockPull(name, bandwidth, libvirt.VIR_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES)
            return disk
    raise ValueError(operation)


def copy(domain: Any, to: Path, bandwidth: int = FULL_SPEED, name: str = "vda") -> Path:
    """Begin a copy of a disk to a new file; that file."""
    xml = f"<disk type='file'><source file='{to}'/><driver type='qcow2'/></disk>"
    params = {libvirt.VIR_DOMAIN_BLOCK_COPY_BANDWIDTH: bandwidth}
    domain.blockCopy(name, xml, params, libvirt.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB)
    return to


def target(folder: Path) -> Path:
    """The name of a file that does not exist yet."""
    return folder / f"copy-{uuid.uuid4().hex}"


def under_way(domain: Any, name: str = "vda") -> bool:
    """Whether the disk has a job that has done something."""
    return bool(domain.blockJobInfo(name, 0).get("cur", 0))


def begin_held(domain: Any, operation: BlockOperation, disk: Path, name: str = "vda") -> Path:
    """`begin` a job that does something and goes no further until its `release`."""
    led_to = begin(domain, operation, disk, CRAWL, name)
    eventually(lambda: under_way(domain, name))
    return led_to


def release(domain: Any, name: str = "vda") -> None:
    """Let the disk's job go on at full speed, if it has one."""
    with contextlib.suppress(libvirt.libvirtError):
        domain.blockJobSetSpeed(name, FULL_SPEED, 0)
