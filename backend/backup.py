"""What a backup is made of: its disks, where their copies go, and how its client reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackupDisk:
    """A disk that is backed up."""

    disk: str
    """The target's name, as in the domain's XML: ``vda``."""
    image: str = ""
    """What the hypervisor writes: the copy, or for a pull backup the scratch file, which keeps what the guest
    overwrites; empty: not told."""
    export: str = ""
    """The NBD URI that the client of a pull backup reads; empty for a push backup, or if it is not told."""
    incremental: str = ""
    """The checkpoint since whose creation everything that was written is backed up; empty: all of the disk is."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A running backup."""

    pull: bool
    """Whether a client reads it until it has what it wants; else the hypervisor writes it."""
    disks: tuple[BackupDisk, ...] = ()
    server: str = ""
    """The NBD server of a pull backup, as a URI without the export's name; empty if it is not told."""
