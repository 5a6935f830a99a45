"""The choices for one dump, the objections to it and its consequences. No widgets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from backend.capabilities import Capabilities
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.errors import BackendError, FileExists
from backend.job_stats import JobStats
from backend.model import Domain, DomainState
from backend.records.folder import private_folder, state_folder
from backend.running import objections
from backend.running.place import Place
from tui.words import equivalents, units

Note = tuple[Literal["bad", "warn", "ok"], str]
"""A sentence about a dump: what refuses it, what to beware of, or what else will happen."""
FORMAT_WORDS = {
    "elf": "ELF core, all of the memory",
    "kdump-zlib": "compressed with zlib, for crash",
    "kdump-lzo": "compressed with LZO, for crash",
    "kdump-snappy": "compressed with snappy, for crash",
    "win-dmp": "for WinDbg; the guest needs the vmcoreinfo device",
    "raw": "migration stream: abortable; crash cannot read it",
}
FLAG_WORDS = {
    DumpFlags.CRASH: "end the guest, as crashed, after the dump",
    DumpFlags.RESET: "reset the guest after the dump",
    DumpFlags.LIVE: "request a dump without a pause; QEMU pauses the domain anyway",
    DumpFlags.BYPASS_CACHE: "keep the file out of the host's file cache",
}
ENDS = {DumpFlags.CRASH: "ended as crashed", DumpFlags.RESET: "reset"}
"""What becomes of a guest after its dump."""
EXPLAINED = (
    "crash: ends the guest after the dump · reset: resets it · live: is paused anyway · "
    "bypass-cache: skips the host's cache"
)
"""The flags in the form's text."""
FOLDERS = ("/var/lib/libvirt/dumps", "/var/lib/libvirt/qemu/dump")
"""Where dumps go on a hypervisor; a libvirt daemon makes the last one itself."""


@dataclass(frozen=True, slots=True)
class DumpChoice:
    """What was chosen for one domain."""

    uri: str
    domain: Domain
    path: str
    format: str = "elf"
    """One of FORMAT_NAMES."""
    flags: DumpFlags = DumpFlags.NONE
    """Without MEMORY_ONLY, which goes with the format."""
    overwrite: bool = False
    disk_jobs: tuple[JobStats, ...] = ()
    """Those of the domain's disks."""

    @property
    def request(self) -> DumpRequest:
        dump_format, memory_only = FORMAT_NAMES[self.format]
        extra = DumpFlags.MEMORY_ONLY if memory_only else DumpFlags.NONE
        return DumpRequest(self.domain.key, self.path, dump_format, self.flags | extra)

    @property
    def command_line(self) -> str:
        """The same dump as a shell command."""
        return equivalents.dump(self.uri, self.request, self.overwrite).virt_jobs


def excluded(flag: DumpFlags, chosen: DumpFlags) -> str | None:
    """Why `flag` cannot be added to what is chosen."""
    objection = objections.to_flag_beside(flag, chosen)
    return objection.message if objection is not None else None


def objections_to(choice: DumpChoice, place: Place, capabilities: Capabilities) -> Iterator[str]:
    """Every reason for which the dump cannot be started as chosen."""
    reasons: list[BackendError | None] = [
        objections.to_dump(capabilities, choice.request),
        objections.to_disks(choice.request, choice.disk_jobs),
    ]
    if objections.to_path(choice.path) is None:
        reasons += [objections.to_folder(place, capabilities.own_rights), objections.to_place(place, choice.overwrite)]
    for reason in reasons:
        match reason:
            case FileExists():
                yield f"{reason}: choose another, or overwrite"
            case BackendError():
                yield reason.message


def objection(choice: DumpChoice, place: Place, capabilities: Capabilities) -> str | None:
    """Why the dump cannot be started as chosen."""
    return next(objections_to(choice, place, capabilities), None)


def notes(choice: DumpChoice, place: Place | None, capabilities: Capabilities) -> list[Note]:
    """What is refused, what to beware of, and what will happen, in this order. `place`: None while it is looked at."""
    refused: list[Note] = [("bad", reason) for reason in objections_to(choice, place or Place(), capabilities)]
    return [*refused, *sorted(_effects(choice, place, capabilities), key=lambda note: note[0] != "warn")]


def _effects(choice: DumpChoice, place: Place | None, capabilities: Capabilities) -> Iterator[Note]:
    end = f", then {words}" if (words := ending(choice.flags)) else ""
    if choice.domain.state is DomainState.RUNNING:
        yield "warn", f"the guest is paused for the whole dump{end}"
    else:
        already = f"the guest is already {choice.domain.state.label}"
        yield ("warn", f"{already}, and after the dump it is {words}") if end else ("ok", already)
    if choice.path != choice.path.rstrip():
        yield "warn", "the file's name ends with a space"
    for flag in FLAG_WORDS:
        if reason := capabilities.flags.get(flag) or excluded(flag, choice.flags):
            yield "ok", f"{flag.labels[0]}: {reason}"
    if choice.request.memory_only:
        yield "warn", "a memory-only dump cannot be aborted once it has started"
    else:
        yield "ok", "can be aborted; crash cannot read the file"
    written = f"writes up to {units.size(choice.domain.memory)}"
    if place is None:
        yield "ok", f"{written}; looking at its folder …"
        return
    if objections.to_path(choice.path) or objections.to_folder(place, capabilities.own_rights):
        return  # Nothing will be written there.
    if place.caveat:
        yield "warn", place.caveat
    elif place.forbidden and os.geteuid() == 0:
        yield "warn", "this user may not write there; libvirt may still be able to"
    yield room(written, choice.domain.memory, space(place, choice.overwrite), unknown_space(capabilities))
    if place.exists and choice.overwrite:
        yield "warn", "the file exists and will be replaced, even if the dump fails"
    elif place.exists is None and (place.hidden or not capabilities.local):
        reason = "cannot look" if capabilities.local else "remote host: cannot check its folder, nor what is there"
        yield "warn", f"an existing file will be replaced ({reason})"


def ending(flags: DumpFlags) -> str:
    """What becomes of a guest after its dump: ``ended as crashed``, ``reset``; empty: it goes on."""
    return next((words for flag, words in ENDS.items() if flag in flags), "")


def space(place: Place, overwrite: bool) -> int | None:
    """Bytes that a dump may take there; None: unknown."""
    return place.free if place.free is None or not overwrite else place.free + place.occupied


def room(written: str, weight: int, free: int | None, unknown: str) -> Note:
    """Whether there is room for `weight` bytes; `written`: that they are written, in words."""
    if free is None:
        return "ok", f"{written}; {unknown}"
    if free < weight:  # What it takes is not certain, so it is refused by nobody but the file system.
        return "warn", f"{written}, but only {units.size(free)} is free: the dump may fill the file system and fail"
    return "ok", f"{written}; {units.size(free)} free"


def unknown_space(capabilities: Capabilities) -> str:
    """That the free space at a destination is unknown."""
    return "free space unknown" if capabilities.local else "free space unknown (remote host)"


def suggested_folder(uri: str, local: bool) -> str:
    """A folder for dumps of that hypervisor. The simulator's is private to this user and is created."""
    if uri.startswith("sim:"):
        folder = state_folder() / "dumps"
        private_folder(folder)
        return str(folder)
    if local and uri.partition("?")[0].endswith("/session"):
        return str(Path.home())
    if local:
        return next((folder for folder in FOLDERS if os.path.isdir(folder)), FOLDERS[-1])
    return FOLDERS[-1]
