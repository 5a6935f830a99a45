"""What a process holds: memory, threads, file descriptors, processes."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import libvirt

from tests.hypervisor.daemon import resident


class _Mallinfo(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


_mallinfo = ctypes.CDLL(None).mallinfo2
_mallinfo.restype = _Mallinfo


@dataclass(frozen=True, slots=True)
class Held:
    """What this process holds at one moment."""

    memory: int
    """Bytes that are resident. They grow with no leak too: glibc keeps a heap for each of many threads, with gaps."""
    allocated: int
    """Bytes that libraries have allocated, and not given back."""
    blocks: int
    """How many pieces of memory Python's objects take."""
    threads: Counter[str]
    """By name without its number; the event loop's own pool, which is bounded, is none of them."""
    descriptors: Counter[str]
    """By what they stand for."""

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        threads = Counter(thread.name.rstrip("-_0123456789") for thread in threading.enumerate())
        del threads["asyncio"]
        descriptors = Counter(filter(None, map(_stands_for, os.listdir("/proc/self/fd"))))
        heap = _mallinfo()
        allocated = heap.uordblks + heap.hblkhd
        return cls(resident(os.getpid()), allocated, sys.getallocatedblocks(), threads, descriptors)

    def beyond(self, before: Held) -> list[str]:
        """What is there more than `before`, in words; memory apart."""
        more = [f"{count} threads {name!r}" for name, count in (self.threads - before.threads).items()]
        return more + [
            f"{count} descriptors of {name}" for name, count in (self.descriptors - before.descriptors).items()
        ]


def _stands_for(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").partition(":[")[0]
    except OSError:
        return ""  # The one that lists the others.


def connections() -> int:
    """How many connections to libvirt there are; to be asked rarely, as it looks at every object there is."""
    return sum(isinstance(one, libvirt.virConnect) for one in gc.get_objects())


def growth(samples: list[int]) -> int:
    """By how much they grew once they had warmed up: the last third's median over the middle one's."""
    third = len(samples) // 3
    return int(median(samples[-third:]) - median(samples[third:-third])) if third else 0


def children(zombies: bool) -> list[str]:
    """The children of this process: those that nobody has reaped, or those that live."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
                name = (process / "comm").read_text().strip()
            except OSError:
                continue
            if int(parent) == os.getpid() and (state == "Z") is zombies:
                found.append(f"{name} ({process.name})")
    return found


def processes_in(folder: Path) -> list[str]:
    """The processes of anybody that name something in that folder in their arguments."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        if bytes(folder) in arguments and process.name != str(os.getpid()):
            found.append(f"{process.name} {arguments.decode(errors='replace')[:120]}")
    return found


def mounts_in(folder: Path) -> list[str]:
    return [line for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]
