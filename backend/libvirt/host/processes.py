"""Reads the processes of this host, and from them the running domains: no daemon is involved, so none can block it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from backend.model import DomainKey
from backend.text import clean

_PROC = Path("/proc")
_NAME = re.compile(r"guest=(.*?)(,debug-threads=on)?", re.DOTALL)
# Part of the paths in each domain's own folder, such as /var/lib/libvirt/qemu/domain-5-db-01/master-key.aes.
_ID = re.compile(r"/domain-(\d{1,9})-")


def processes() -> Iterator[tuple[Path, list[str]]]:
    """The folder under /proc and the arguments of every process."""
    for process in _PROC.iterdir():
        if process.name.isdigit():
            try:
                arguments = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if arguments:
                yield process, os.fsdecode(arguments).split("\0")


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


def running_domains() -> list[DomainKey]:
    """The domains of all daemons whose QEMU runs on this host, by its arguments (QEMU 7.2 under libvirt 9.0.0)."""
    return [key for _, arguments in processes() if (key := _key(arguments)) is not None]


def _key(arguments: list[str]) -> DomainKey | None:
    values = dict(pairwise(arguments))
    name, uuid = _NAME.fullmatch(values.get("-name", "")), values.get("-uuid")
    running_id = next((match[1] for argument in arguments if (match := _ID.search(argument))), None)
    if name is None or uuid is None or running_id is None:
        return None
    return DomainKey(uuid, int(running_id), clean(name[1].replace(",,", ",")))
