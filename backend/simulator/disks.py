"""The disks of a simulated domain."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

FOLDER = "/var/lib/libvirt/images"
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Layer:
    """An image in the chain of a disk."""

    path: str
    index: int
    """A number that no other image shares which the disk ever had."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk, with the images that it reads; it writes the first one."""

    target: str
    """Its name in the domain's XML: ``vda``."""
    size: int
    """Bytes, all of them data."""
    layers: tuple[Layer, ...]
    """Top first."""


def usual_disks(name: str, number: int, size: int | None = None) -> tuple[Disk, ...]:
    """The disks of the domain of that name and place in the list: a system disk with two overlays, and for some, data.

    `size` is that of the system disk in bytes; None: it depends on the place.
    """
    path = f"{FOLDER}/{name.replace('/', '_')}"
    layers = (Layer(f"{path}.overlay.qcow2", 1), Layer(f"{path}.qcow2", 2), Layer(f"{path}.base.qcow2", 3))
    system = Disk("vda", size or (8 + 4 * (number % 4)) * GIB, layers)
    return (system,) if number % 3 else (system, Disk("vdb", 40 * GIB, (Layer(f"{path}-data.qcow2", 1),)))


def to_json(disks: Iterable[Disk]) -> str:
    """The disks as text for the store; `from_json` reads it."""
    values = [[disk.target, disk.size, [[layer.path, layer.index] for layer in disk.layers]] for disk in disks]
    return json.dumps(values)


def from_json(text: str) -> dict[str, Disk]:
    """The disks in that text, by target."""
    return {
        target: Disk(target, size, tuple(Layer(path, index) for path, index in layers))
        for target, size, layers in json.loads(text)
    }
