"""What a dump of a domain's memory is asked to be: its format, its flags and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum

from backend.model import DomainKey, OpenEnum


class DumpCause(StrEnum):
    """What made a hypervisor dump a domain of its own accord."""

    PANIC = "guest panicked"
    WATCHDOG = "watchdog"


class DumpFormat(OpenEnum):
    """virDomainCoreDumpFormat. RAW is ELF with MEMORY_ONLY, and a migration stream without."""

    RAW = 0
    KDUMP_ZLIB = 1
    KDUMP_LZO = 2
    KDUMP_SNAPPY = 3
    WIN_DMP = 4


class DumpFlags(IntFlag):
    """virDomainCoreDumpFlags."""

    NONE = 0
    CRASH = 1
    LIVE = 2
    BYPASS_CACHE = 4
    RESET = 8
    MEMORY_ONLY = 16

    @property
    def labels(self) -> list[str]:
        """The flags that are set, as options are spelled: ``["bypass-cache", "memory-only"]``."""
        return [str(flag.name).lower().replace("_", "-") for flag in DumpFlags if flag and flag in self]


# The names that a user gives, with libvirt's format and whether libvirt needs MEMORY_ONLY for it.
FORMAT_NAMES: Mapping[str, tuple[DumpFormat, bool]] = {
    "elf": (DumpFormat.RAW, True),
    "kdump-zlib": (DumpFormat.KDUMP_ZLIB, True),
    "kdump-lzo": (DumpFormat.KDUMP_LZO, True),
    "kdump-snappy": (DumpFormat.KDUMP_SNAPPY, True),
    "win-dmp": (DumpFormat.WIN_DMP, True),
    "raw": (DumpFormat.RAW, False),
}


def format_name(dump_format: DumpFormat, flags: DumpFlags) -> str:
    """The user's name of a format: with MEMORY_ONLY, RAW is ``elf``; without, ``raw``."""
    if dump_format == DumpFormat.RAW:
        return "elf" if DumpFlags.MEMORY_ONLY in flags else "raw"
    names = (name for name, (number, _) in FORMAT_NAMES.items() if number == dump_format)
    return next(names, f"format {int(dump_format)}")


@dataclass(frozen=True, slots=True)
class DumpRequest:
    """A core dump to make."""

    domain: DomainKey
    path: str
    """Absolute, on the hypervisor's host."""
    format: DumpFormat = DumpFormat.RAW
    flags: DumpFlags = DumpFlags.MEMORY_ONLY

    @property
    def format_name(self) -> str:
        return format_name(self.format, self.flags)

    @property
    def memory_only(self) -> bool:
        return DumpFlags.MEMORY_ONLY in self.flags


@dataclass(frozen=True, slots=True)
class AutomaticDump:
    """A dump that the hypervisor makes of its own accord."""

    cause: DumpCause
    path: str | None = None
    """On the hypervisor's host; None: it cannot be seen from here."""

    @property
    def requester(self) -> str:
        """Who requested it, as outcomes name it: ``libvirt (guest panicked)``."""
        return f"libvirt ({self.cause})"
