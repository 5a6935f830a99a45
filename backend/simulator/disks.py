"""The disks of a simulated domain."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

FOLDER = "/var/lib/libvirt/images"
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk, with what it reads and writes."""

    target: str
    """Its name in the domain's XML: ``vda``."""
    size: int
    """Bytes, all of them data."""
    source: str
    """The path of what it writes."""
    backing: tuple[str, ...] = ()
    """The chain below it, top first."""


def usual_disks(name: str, number: int) -> tuple[Disk, ...]:
    """The disks of the domain of that name and place in the list: a system disk with overlays, and for some, data."""
    safe = name.replace("/", "_")
    base, middle, top = (f"{FOLDER}/{safe}{layer}.qcow2" for layer in (".base", "", ".overlay"))
    system = Disk("vda", (8 + 4 * (number % 4)) * GIB, top, (middle, base))
    return (system,) if number % 3 else (system, Disk("vdb", 40 * GIB, f"{FOLDER}/{safe}-data.qcow2"))


def to_json(disks: Iterable[Disk]) -> str:
    """The disks as text for the store; `from_json` reads it."""
    return json.dumps([asdict(disk) for disk in disks])


def from_json(text: str) -> dict[str, Disk]:
    """The disks in that text, by target."""
    disks = (Disk(**{**values, "backing": tuple(values["backing"])}) for values in json.loads(text))
    return {disk.target: disk for disk in disks}
