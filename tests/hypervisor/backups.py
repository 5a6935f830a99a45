"""Backups, as another program begins them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import uuid
from pathlib import Path
from typing import Any

import libvirt
import libvirt_qemu

from tests.eventually import eventually

DISK = "vda"


def pull_xml(server: str, scratch: Path, disk: str = DISK) -> str:
    """A pull backup of one disk, exported under the disk's name; `server` has the attributes of the NBD server."""
    return (
        f"<domainbackup mode='pull'><server {server}/><disks>"
        f"<disk name='{disk}' type='file' exportname='{disk}'><scratch file='{scratch}'/></disk></disks></domainbackup>"
    )


def push_xml(targets: dict[str, Path]) -> str:
    """A push backup of those disks to new files."""
    disks = (
        f"<disk name='{disk}' type='file'><target file='{target}'/><driver type='qcow2'/></disk>"
        for disk, target in targets.items()
    )
    return f"<domainbackup mode='push'><disks>{''.join(disks)}</disks></domainbackup>"


def with_second_disk(xml: str, folder: Path) -> str:
    """The XML of a domain, which gets a disk ``vdb`` with 8 MiB of data."""
    path = folder / "second.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "32M"], check=True)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -q -P 8 0 8M", path], check=True, stdout=subprocess.DEVNULL)
    path.chmod(0o666)
    disk = (
        f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{path}'/>"
        "<target dev='vdb' bus='virtio'/></disk>"
    )
    return xml.replace("</devices>", f"{disk}</devices>")


def begin_held(domain: Any, folder: Path, pull: bool) -> None:
    """Begin a backup that goes on until it is aborted: pull, or push and paused by QEMU."""
    if pull:
        socket = folder / f"nbd-{uuid.uuid4().hex[:8]}"
        domain.backupBegin(pull_xml(f"transport='unix' socket='{socket}'", _new(folder)), None, 0)
        return
    begin_paused(domain, folder, DISK)


def begin_paused(domain: Any, folder: Path, *disks: str) -> dict[str, Path]:
    """Begin a push backup of those disks; QEMU pauses that of `DISK`. Where each is written to."""
    begun: dict[str, Path] = {}

    def begin() -> bool:
        begun.update({disk: _new(folder) for disk in disks})
        return _begun_paused(domain, begun)

    eventually(begin)
    return begun


def release(domain: Any) -> None:
    """Let a push backup go on that was begun by `begin_held` or `begin_paused`."""
    for name in _jobs(domain):
        _monitor(domain, "job-resume", id=name)


def abort(domain: Any) -> None:
    """Abort the domain's backup, if it has one, and wait for its end."""
    with contextlib.suppress(libvirt.libvirtError):
        domain.abortJob()
    eventually(lambda: domain.jobStats()["type"] == libvirt.VIR_DOMAIN_JOB_NONE)


def _begun_paused(domain: Any, targets: dict[str, Path]) -> bool:
    """Whether a push backup has begun that was not over before it could be paused. libvirt has no call for it."""
    domain.backupBegin(push_xml(targets), None, 0)
    for name in _jobs(domain):
        _monitor(domain, "job-pause", id=name)
    while jobs := _jobs(domain):
        if "paused" in jobs.values():
            return True
    return False


def _jobs(domain: Any) -> dict[str, str]:
    """QEMU's names of the jobs of the disk that the backup is of, each with its state."""
    jobs = _monitor(domain, "query-jobs")["return"]
    return {job["id"]: job["status"] for job in jobs if job["id"].startswith(f"backup-{DISK}-")}


def _monitor(domain: Any, command: str, **arguments: str) -> Any:
    """QEMU's own answer."""
    return json.loads(
        libvirt_qemu.qemuMonitorCommand(domain, json.dumps({"execute": command, "arguments": arguments}), 0)
    )


def _new(folder: Path) -> Path:
    return folder / f"backup-{uuid.uuid4().hex}"
