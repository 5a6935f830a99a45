"""The calls of the simulated hypervisor about a backup."""

from __future__ import annotations

from urllib.parse import quote

from backend.backup import Backup, BackupDisk
from backend.model import DomainKey, JobOperation
from backend.simulator import disks
from backend.simulator.disks import Disk
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.plans.backup import PullBackup
from backend.simulator.plans.plan import Stage

_FOLDER = "/srv/backup"
_SOCKET = "/run/libvirt/nbd"


def running(hypervisor: Hypervisor, domain: DomainKey) -> Backup | None:
    """What the domain's running backup is made of: a backup of all its disks; None without one."""
    hypervisor.apply_due()
    machine = hypervisor.active(domain)
    plan = hypervisor.store.plan(machine.uuid)
    if plan is None or plan.operation is not JobOperation.BACKUP or plan.stage in (Stage.PENDING, Stage.OVER):
        return None
    pull = isinstance(plan, PullBackup)
    parts = tuple(_disk(machine.name, disk, pull) for disk in disks.from_json(machine.disks).values())
    return Backup(pull, parts, _export(machine.name, "") if pull else "")


def _disk(name: str, disk: Disk, pull: bool) -> BackupDisk:
    if pull:
        return BackupDisk(disk.target, f"{disk.layers[0].path}.scratch", _export(name, disk.target))
    return BackupDisk(disk.target, f"{_FOLDER}/{_file_name(name)}-{disk.target}.qcow2")


def _export(name: str, disk: str) -> str:
    return f"nbd+unix:///{disk}?socket={quote(f'{_SOCKET}/{_file_name(name)}')}"


def _file_name(name: str) -> str:
    return name.replace("/", "_")
