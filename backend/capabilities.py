"""What a connection can do, and why not the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.dump_request import DumpFlags


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connection can do. Each reason says in words why something cannot be done; None: it can."""

    hypervisor: str
    """For people: ``QEMU 7.2.22, libvirt 9.0.0``."""
    local: bool
    """Whether the hypervisor's files are this machine's files."""
    formats: Mapping[str, str | None]
    """Each name in FORMAT_NAMES -> the reason why this host cannot write it."""
    flags: Mapping[DumpFlags, str | None]
    """Each flag -> the reason why this host refuses it."""
    own_rights: bool = False
    """Whether files are written with the rights of this user: then what this user may not write, it cannot."""
    dump: str | None = None
    abort: str | None = None
    resume: str | None = None
    migration: str | None = None
    """Why the limits of a running migration cannot be changed, nor post-copy started."""
    shared_records: str | None = None
    """Why the results of dumps cannot be shared through the hypervisor."""
    dump_events: str | None = None
    """Why the hypervisor's own report of a dump's end is not received. Where it is, it precedes the domain's stop."""
    begins: str | None = "this hypervisor does not report them"
    """Why the begins of jobs are not reported (JobBegan) for all but memory-only dumps. A dump of a running guest shows
    as its pause; that of a paused one has to be looked for."""
