"""The disks in the live XML of a running domain: what they read and write, and what their jobs mirror to."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from backend.model import DiskSource
from backend.text import clean

_MAY_HAVE_JOBS = ("disk", "lun")
_LOCATIONS = ("file", "dev", "dir")
_READY = ("yes", "pivot")
"""What a mirror says of itself once everything is copied; the second one while it is pivoted to."""


def disks(xml: str) -> dict[str, DiskSource | None]:
    """Each disk that may have a block job, by the name of its target, in order; None: its source is not told."""
    found: dict[str, DiskSource | None] = {}
    for disk in ET.fromstring(xml).iterfind("devices/disk"):
        target = disk.find("target")
        if target is not None and disk.get("device", "disk") in _MAY_HAVE_JOBS:
            found[clean(target.get("dev", ""))] = _source(disk)
    return found


def _source(disk: ET.Element) -> DiskSource | None:
    source = location(disk.find("source"))
    if source is None:
        return None
    mirror = disk.find("mirror")
    mirrored = None if mirror is None else mirror.find("source")
    return DiskSource(
        source,
        tuple(_backing(disk)),
        location(mirrored),
        mirror is not None and mirror.get("ready") in _READY,
        _index(disk.find("source")),
        _index(mirrored),
    )


def _index(source: ET.Element | None) -> int | None:
    """The number that libvirt gives to a source while its domain runs; older versions give none."""
    index = source.get("index", "") if source is not None else ""
    return int(index) if index.isdecimal() and len(index) < 10 else None


def _backing(disk: ET.Element) -> list[str]:
    chain = []
    layer = disk.find("backingStore")
    while layer is not None and (image := location(layer.find("source"))) is not None:
        chain.append(image)
        layer = layer.find("backingStore")
    return chain


def location(source: ET.Element | None) -> str | None:
    """Its path, or ``protocol://host:port/name``; None if it has neither, as a drive without a medium."""
    if source is None:
        return None
    if protocol := source.get("protocol"):
        hosts = ",".join(_host(host) for host in source.iterfind("host"))
        return clean(f"{protocol}://{hosts}/{source.get('name', '')}")
    if volume := source.get("volume"):
        return clean(f"{source.get('pool')}/{volume}")
    path = next(filter(None, map(source.get, _LOCATIONS)), None)
    return clean(path) if path else None


def _host(host: ET.Element) -> str:
    return host.get("socket") or ":".join(filter(None, [host.get("name"), host.get("port")]))
