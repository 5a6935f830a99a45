"""Reads the processes of this host.

What a process says of itself (its name and arguments) can be anything; the rest comes from the kernel.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def processes() -> Iterator[tuple[Path, list[str]]]:
    """The folder under /proc and the arguments of every process."""
    for process in PROC.iterdir():
        if process.name.isdigit() and (arguments := arguments_of(process)):
            yield process, arguments


def arguments_of(process: Path) -> list[str]:
    """Its arguments; none if it is gone, or a thread of the kernel."""
    try:
        arguments = (process / "cmdline").read_bytes()
    except OSError:
        return []
    return os.fsdecode(arguments).split("\0") if arguments else []


def began(process: Path) -> float:
    """When the process started, in seconds of the monotonic clock, up to 0.01 s early. OSError if it is gone."""
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(_stat(process)[19]) / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age


def parent(process: Path) -> Path | None:
    """Its parent's folder; None if it is gone."""
    try:
        return process.with_name(_stat(process)[1].decode())
    except OSError:
        return None


def owner(process: Path) -> int | None:
    """The uid that it acts as; None if it is gone, or acts as more than one."""
    try:
        status = (process / "status").read_bytes()
    except OSError:
        return None
    uids = next((line.split()[1:] for line in status.splitlines() if line.startswith(b"Uid:")), [])
    return int(uids[0]) if uids and len(set(uids)) == 1 else None


def executable(process: Path) -> str | None:
    """The name of the file that it executes, if only root can have written that file; None also where it is hidden."""
    link = process / "exe"
    try:
        name = os.path.basename(os.readlink(link)).removesuffix(" (deleted)")
        file = os.stat(link)
    except OSError:
        return None
    return name if file.st_uid == 0 and not file.st_mode & 0o022 else None


def _stat(process: Path) -> list[bytes]:
    """The fields of proc(5)'s ``stat`` from the state on. The name before them may hold any bytes. OSError if gone."""
    return (process / "stat").read_bytes().rpartition(b")")[2].split()
