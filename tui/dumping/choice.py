"""The choices for one dump, the objections to it and its consequences. No widgets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.capabilities import Capabilities
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.errors import FileExists
from backend.model import Domain
from backend.records.folder import private_folder, state_folder
from backend.running import objections
from backend.running.place import Place
from tui.words import equivalents, units

FORMAT_WORDS = {
    "elf": "ELF core, all of the memory",
    "kdump-zlib": "compressed with zlib, for crash",
    "kdump-lzo": "compressed with LZO, for crash",
    "kdump-snappy": "compressed with snappy, for crash",
    "win-dmp": "for WinDbg; the guest needs the vmcoreinfo device",
    "raw": "migration stream: abortable; crash cannot read it",
}
FLAG_WORDS = {
    DumpFlags.CRASH: "stop the domain as crashed after the dump",
    DumpFlags.RESET: "reset the domain after the dump",
    DumpFlags.LIVE: "request a dump without a pause; QEMU pauses the domain anyway",
    DumpFlags.BYPASS_CACHE: "keep the file out of the host's file cache",
}
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


def objection(choice: DumpChoice, place: Place, capabilities: Capabilities) -> str | None:
    """Why the dump cannot be started as chosen."""
    match (
        objections.to_dump(capabilities, choice.request)
        or objections.to_folder(place)
        or objections.to_place(place, choice.overwrite)
    ):
        case None:
            return None
        case FileExists() as error:
            return f"{error}: choose another, or overwrite"
        case error:
            return error.message


def notes(choice: DumpChoice, place: Place, capabilities: Capabilities) -> Iterator[tuple[str, str]]:
    """What will happen, as sentences with ``ok``, ``warn`` or ``bad`` before them."""
    if choice.domain.state.label == "running":
        after = {DumpFlags.CRASH: ", then stopped", DumpFlags.RESET: ", then reset"}
        end = next((words for flag, words in after.items() if flag in choice.flags), "")
        yield "warn", f"the guest is paused for the whole dump{end}"
    else:
        yield "ok", f"the guest is already {choice.domain.state.label}"
    for flag in FLAG_WORDS:
        if reason := capabilities.flags.get(flag) or excluded(flag, choice.flags):
            yield "ok", f"{flag.labels[0]}: {reason}"
    if choice.request.memory_only:
        yield "warn", "a memory-only dump cannot be aborted once it has started"
    else:
        yield "ok", "can be aborted; crash cannot read the file"
    if place.caveat:
        yield "warn", place.caveat
    weight = units.size(choice.domain.memory)
    if place.free is None:
        yield "ok", f"writes up to {weight}; {unknown_space(capabilities)}"
    elif place.free < choice.domain.memory:
        yield "bad", f"writes up to {weight}, but only {units.size(place.free)} is free"
    else:
        yield "ok", f"writes up to {weight}; {units.size(place.free)} free"
    if place.exists:
        yield ("warn", "the file exists and will be replaced, even if the dump fails") if choice.overwrite else (
            "bad", "the file exists; even a failed dump would destroy it")  # fmt: skip
    elif place.exists is None and (place.hidden or not capabilities.local):
        reason = "cannot look" if capabilities.local else "remote host: cannot check"
        yield "warn", f"an existing file will be replaced ({reason})"


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
