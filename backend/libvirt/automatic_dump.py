"""Dumps that libvirt makes of its own accord: of a guest that panicked (``on_crash``), or whose watchdog expired.

Anybody may dump such a guest while it stands still. libvirt's own dumps are told from theirs by the name that libvirt
gives the file, where that is seen; else, after a panic, by their begin: libvirt reports the panic while it already has
the dump's job, so that no other job can have begun before the report (processGuestPanicEvent; libvirt 9.0.0).
"""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from pathlib import PurePosixPath

from backend.dump_request import DumpCause
from backend.libvirt.connection.connection import Connection
from backend.libvirt.convert import job_stats, reason_word
from backend.model import DomainKey, DomainState, JobOperation

_SHORT_NAME = 20
"""Of a longer name, this many characters, or bytes, are in the name of the file (VIR_DOMAIN_SHORT_NAME_MAX)."""
_TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2}:[0-9]{2}:[0-9]{2}"


class Panics:
    """When libvirt last reported of each run of a domain that its guest panicked."""

    def __init__(self) -> None:
        self._reported: dict[DomainKey, float] = {}

    def report(self, domain: DomainKey) -> None:
        """It was reported just now."""
        self._reported[domain] = time.monotonic()

    def last(self, domain: DomainKey) -> float | None:
        """When, on the monotonic clock; None: never."""
        return self._reported.get(domain)

    def forget(self, uuid: str) -> None:
        """Whatever run of that domain there was is over."""
        self._reported = {domain: at for domain, at in self._reported.items() if domain.uuid != uuid}


def named_by_libvirt(path: str, domain: DomainKey) -> bool:
    """Whether the file has the name of an automatic dump of that run of the domain: ``12-web-01-2026-11-26-10:14:30``.

    Both `path` and the domain's name are cleaned.
    """
    match = re.fullmatch(f"{domain.id}-(.+)-{_TIME}", PurePosixPath(path).name)
    if match is None:
        return False
    name = match[1]
    return name == domain.name or (domain.name.startswith(name) and len(name.encode()) >= _SHORT_NAME)


def cause_by_state(key: DomainKey, connection: Connection) -> DumpCause | None:
    """Why libvirt might be dumping the domain by itself, going by the domain's state. Blocks."""
    state, reason = connection.look_up(key).state()
    match DomainState(state), reason_word(state, reason):
        case DomainState.CRASHED, "panicked":
            return DumpCause.PANIC
        case DomainState.PAUSED, "watchdog":
            return DumpCause.WATCHDOG
    return None


def began_by(reported: float, key: DomainKey, connection: Connection) -> bool:
    """Whether libvirt is to dump the domain when it panics, and the dump that runs began before the panic was reported.

    `reported` is on the monotonic clock. Blocks.
    """
    handle = connection.look_up(key)
    on_crash = ET.fromstring(handle.XMLDesc()).findtext("on_crash") or ""
    if not on_crash.startswith("coredump-"):
        return False
    asked = time.monotonic()
    stats = job_stats(handle.jobStats())
    return (
        stats is not None
        and stats.operation is JobOperation.DUMP
        and asked - stats.time_elapsed / 1000 <= reported + 0.001  # Elapsed times are cut off to milliseconds.
    )
