"""Every reason against a dump, or against ending a job, as pure functions: facts in; the error, or None, out.

Commands, forms, marks and `start_dump` all use these. An error says what is wrong; what to do about it depends on who
asks, who adds that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from backend.capabilities import Capabilities
from backend.dump_request import DumpFlags, DumpRequest
from backend.errors import (
    BackendError,
    DomainBusy,
    DomainNotRunning,
    FileExists,
    InvalidPath,
    NoJob,
    NotPermitted,
    NotSupported,
)
from backend.job_stats import JobStats, Postcopy
from backend.model import BlockOperation, DomainKey, JobOperation, Operation
from backend.running.place import Kind, Place
from backend.text import clean

EXCLUSIVE = (DumpFlags.CRASH, DumpFlags.RESET, DumpFlags.LIVE)
"""libvirt takes at most one of these."""
PATH_LIMIT = 4095
"""Bytes (PATH_MAX without the NUL at its end)."""
_CONTROL = re.compile("[\x00-\x1f\x7f]")


def to_dump(capabilities: Capabilities, request: DumpRequest) -> BackendError | None:
    """Why this connection cannot make the dump, regardless of its domain and its path."""
    return (
        to_connection(capabilities)
        or to_format(capabilities, request.format_name)
        or to_flags(capabilities, request.flags)
        or to_path(request.path)
    )


def to_connection(capabilities: Capabilities) -> NotPermitted | None:
    """Why it cannot dump anything."""
    return NotPermitted(capabilities.dump) if capabilities.dump is not None else None


def to_format(capabilities: Capabilities, format_name: str) -> NotSupported | None:
    """Why the host cannot write that format, one of FORMAT_NAMES."""
    reason = capabilities.formats.get(format_name)
    return NotSupported(f"{format_name}: {reason}") if reason else None


def to_flags(capabilities: Capabilities, flags: DumpFlags) -> NotSupported | None:
    """Why the host refuses one of the flags, or all of them together."""
    for flag in flags:
        if reason := capabilities.flags.get(flag):
            return NotSupported(f"{', '.join(flag.labels)}: {reason}")
    return to_combination(flags)


def to_combination(flags: DumpFlags) -> NotSupported | None:
    """Why the flags cannot go together, on any host."""
    labels = [flag.labels[0] for flag in EXCLUSIVE if flag in flags]
    return NotSupported(f"{' and '.join(labels)} are mutually exclusive") if len(labels) > 1 else None


def to_flag_beside(flag: DumpFlags, chosen: DumpFlags) -> NotSupported | None:
    """Why `flag` cannot be combined with the chosen flags."""
    others = [other for other in EXCLUSIVE if other in chosen and other != flag]
    return NotSupported(f"not together with {others[0].labels[0]}") if flag in EXCLUSIVE and others else None


def to_domain(domain: DomainKey, operation: Operation | None) -> DomainNotRunning | DomainBusy | None:
    """Why the domain cannot be dumped now; `operation` is that of the job that it has."""
    if domain.id is None:
        return DomainNotRunning(f"{domain.name} is not running: there is no memory to dump")
    if operation is not None:
        return DomainBusy(f"{domain.name} has a job already ({operation.label})")
    return None


def to_disks(request: DumpRequest, jobs: Iterable[JobStats]) -> DomainBusy | None:
    """Why the dump has to wait for `jobs`, those of the domain's disks.

    libvirt refuses it as well, but has emptied an existing file by then (9.0.0).
    """
    job = next(iter(jobs), None)
    if request.memory_only or job is None:
        return None
    name = request.domain.name
    return DomainBusy(f"{name} has a {job.operation.label} of {job.disk}, which prevents a raw dump; choose elf")


def to_path(path: str) -> InvalidPath | None:
    """Why no dump can be written to that path, whether or not a file exists there."""
    shown = clean(path) if len(path) <= PATH_LIMIT else f"{clean(path[:40])}..."
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return InvalidPath(f"{shown} is not valid UTF-8, which the hypervisor needs; choose another name")
    if size > PATH_LIMIT:
        return InvalidPath(f"{shown} is too long: {size} bytes, of at most {PATH_LIMIT}; choose a shorter one")
    if _CONTROL.search(path):
        return InvalidPath(f"{shown} has control characters in it; choose another name")
    if not path.startswith("/") or path.endswith("/"):
        return InvalidPath(f"{shown or 'an empty path'} is not the absolute path of a file; name one")
    return None


def to_folder(place: Place, own_rights: bool = False) -> InvalidPath | None:
    """Why a form refuses to dump there. Commands do not check this; the hypervisor refuses.

    `own_rights`: the hypervisor has those of this user. Those of others cannot be seen.
    """
    what = "the file" if place.exists else "the folder"
    if place.folder is False:
        return InvalidPath("the folder does not exist")
    if place.readonly:
        return InvalidPath(f"{what} is on a file system that is mounted read-only")
    if own_rights and place.forbidden:
        return InvalidPath(f"{what} is not writable for this user")
    return None


def to_place(place: Place, overwrite: bool, name: str = "the file") -> InvalidPath | FileExists | None:
    """Why no dump should replace what already exists at that path; `name` is its name in the message.

    A place that cannot be examined gives no reason.
    """
    if place.kind is Kind.FOLDER:
        return InvalidPath(f"{name} is a folder; name a file in it")
    if overwrite or not place.exists:
        return None
    if place.kind is Kind.LINK:
        return FileExists(f"{name} is a link to {place.link_target}")
    if place.kind is Kind.BLOCK_DEVICE:
        return FileExists(f"{name} is a block device, and even a failed dump would destroy what is on it")
    if place.kind is Kind.OTHER:
        return FileExists(f"{name} is no regular file")
    return FileExists(f"{name} exists, and even a failed dump would destroy it")


def to_shared_file(files: Iterable[tuple[str, str]]) -> InvalidPath | None:
    """Why dumps cannot be made together: `files` has the host and the path of each."""
    path = next((path for (_, path), count in Counter(files).items() if count > 1), None)
    return InvalidPath(f"more than one domain would be dumped to {path}") if path is not None else None


def to_abort(
    domain: DomainKey, capabilities: Capabilities, stats: JobStats | None, request: DumpRequest | None
) -> NoJob | NotPermitted | NotSupported | None:
    """Why the domain's job cannot be aborted. `request` is that of its dump, where it is known."""
    if stats is None:
        return NoJob(f"{domain.name} has no job to abort")
    if capabilities.abort is not None:
        return NotPermitted(capabilities.abort)
    if is_memory_only(stats, request):
        return NotSupported("a memory-only dump cannot be aborted; only raw dumps can")
    if stats.postcopy is Postcopy.FAILED:
        return NotSupported("a migration whose post-copy failed cannot be aborted, only recovered")
    return None


def to_helping_migration(
    domain: DomainKey, capabilities: Capabilities, stats: JobStats | None
) -> NoJob | NotPermitted | NotSupported | None:
    """Why the limits of the domain's migration cannot be changed, nor post-copy started."""
    if stats is None or stats.operation != JobOperation.MIGRATION_OUT:
        return NoJob(f"{domain.name} is not migrating to another host")
    if capabilities.migration is not None:
        return NotPermitted(capabilities.migration)
    if stats.postcopy is not None:
        return NotSupported(f"{domain.name} is in post-copy already, which has no limits that can be changed")
    return None


def to_pivot(
    domain: DomainKey, capabilities: Capabilities, stats: JobStats | None
) -> NoJob | NotPermitted | NotSupported | None:
    """Why a disk of the domain cannot continue on what its job, of which these are the stats, has mirrored to."""
    if stats is None or stats.disk is None:
        return NoJob(f"{domain.name}: only the job of a disk can be pivoted")
    if capabilities.abort is not None:
        return NotPermitted(capabilities.abort)
    name = f"{stats.operation.label} of {stats.disk}"
    if not isinstance(stats.operation, BlockOperation) or not stats.operation.becomes_ready:
        return NotSupported(f"the {name} does not mirror the disk: there is nothing to pivot to")
    if not stats.ready:
        return NotSupported(f"the {name} is not ready: it has not copied everything yet")
    return None


def is_memory_only(stats: JobStats, request: DumpRequest | None) -> bool:
    """Whether a job is a memory-only dump: its request says so, or its stats, which lack a migration stream's data."""
    if stats.operation != JobOperation.DUMP:
        return False
    return request.memory_only if request is not None else stats.data_total is None and stats.total > 0
