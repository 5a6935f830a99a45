"""What the processes of this host tell of libvirt's domains: it needs no daemon, so no hung domain can hold it up."""

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
# In the paths of each domain's own folder, such as /var/lib/libvirt/qemu/domain-5-db-01/master-key.aes.
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
    """When it did, on the monotonic clock, or up to a hundredth of a second before that. OSError if it is gone."""
    ticks = int((process / "stat").read_text().rpartition(")")[2].split()[19])  # starttime, see proc(5)
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - age


def running_domains() -> list[DomainKey]:
    """The domains whose QEMU runs here, of whichever daemon (seen of QEMU 7.2 under libvirt 9.0.0)."""
    return [key for _, arguments in processes() if (key := _key(arguments)) is not None]


def _key(arguments: list[str]) -> DomainKey | None:
    after = dict(pairwise(arguments))
    name, uuid = _NAME.fullmatch(after.get("-name", "")), after.get("-uuid")
    id = next((found for argument in arguments if (found := _ID.search(argument))), None)
    if name is None or uuid is None or id is None:
        return None
    return DomainKey(uuid, int(id[1]), clean(name[1].replace(",,", ",")))
