"""The identity of this machine, for what several machines keep in one place, such as a home on NFS or a shared record,
and a clock of it that nobody can set.

A host name identifies no machine: clones share it. A boot id is random: the same one means the same running kernel.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_SOURCES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_APPLICATION = bytes.fromhex("2f0a4c5f6a1b4fd59f3f0f7b6f0f5c1e")
"""Tells this application's id of a machine from all others', like the application id of sd-id128(3)."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
FIRST_NAMESPACE = 0xEFFFFFFC
"""The inode of the pid namespace that every Linux boots with (PROC_PID_INIT_INO); containers have others."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a process runs. What cannot be learned is empty, or 0."""

    id: str
    """Of the installation, hashed: the same after a reboot."""
    boot: str
    """Of the running kernel."""
    namespace: int
    """That of the pids which the process sees, by its inode."""


@cache
def this_machine() -> Machine:
    """Where this process runs."""
    return Machine(machine_id() or "", _text(_BOOT_ID), _inode(_PID_NAMESPACE))


def boottime() -> float:
    """Seconds since this kernel booted, sleep included. Nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@cache
def machine_id() -> str | None:
    """32 hexadecimal digits that differ from machine to machine and outlast a change of the host name. None: this
    machine has no id.

    machine-id(5) is confidential and must be hashed with a key of the application before others may see it.
    """
    for source in _SOURCES:
        try:
            text = source.read_bytes().strip()
        except OSError:
            continue
        if re.fullmatch(rb"[0-9a-f]{32}", text) and text.strip(b"0"):
            return hmac.new(bytes.fromhex(text.decode()), _APPLICATION, hashlib.sha256).hexdigest()[:32]
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
