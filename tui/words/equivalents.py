"""What the console does, as commands of virt-jobs and virsh, quoted for a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from backend.dump_request import DumpFlags, DumpRequest
from backend.model import DiskKey, DomainKey, JobKey, MigrationLimits, domain_of
from tui.words.migrating import MIB

_ID_OR_UUID = re.compile(r"\d+|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Equivalent:
    """The commands that do the same."""

    virt_jobs: str
    """Empty: there is none."""
    virsh: str = ""
    """Empty: there is none, or virsh does not know that hypervisor."""


NONE = Equivalent("")


def dump(uri: str, request: DumpRequest, overwrite: bool) -> Equivalent:
    """A dump of a domain. virsh always overwrites."""
    extra = [f"--{label}" for label in (request.flags & ~DumpFlags.MEMORY_ONLY).labels]
    memory_only = ["--memory-only", "--format", request.format_name] if request.memory_only else []
    where = [_name(request.domain), request.path]
    return _both(
        uri,
        ["dump", *where, "--format", request.format_name, *extra, *(["--overwrite"] if overwrite else [])],
        ["dump", *where, *memory_only, *extra],
    )


def abort(uri: str, job: JobKey, postcopy: bool = False) -> Equivalent:
    """An abort of a job; `postcopy`: of a migration in that phase."""
    name, extra = _name(domain_of(job)), ["--postcopy"] if postcopy else []
    if isinstance(job, DiskKey):
        return _both(uri, ["abort", name, "--disk", job.disk], ["blockjob", name, job.disk, "--abort"])
    return _both(uri, ["abort", name, *extra], ["domjobabort", name, *extra])


def pivot(uri: str, disk: DiskKey) -> Equivalent:
    """A pivot of a disk to what its job has mirrored to."""
    name = _name(disk.domain)
    return _both(uri, ["abort", name, "--disk", disk.disk, "--pivot"], ["blockjob", name, disk.disk, "--pivot"])


def resume(uri: str, domain: DomainKey) -> Equivalent:
    """Letting a paused domain run."""
    return _both(uri, ["resume", _name(domain)], ["resume", _name(domain)])


def limit_migration(uri: str, domain: DomainKey, limits: MigrationLimits) -> Equivalent:
    """A change of those limits of a migration that are not None. virsh has a command for each."""
    name, ours, theirs = _name(domain), list[str](), list[list[str]]()
    if limits.max_downtime is not None:
        ours += ["--max-downtime", str(limits.max_downtime)]
        theirs.append(["migrate-setmaxdowntime", name, str(limits.max_downtime)])
    if limits.bandwidth is not None:
        ours += ["--bandwidth", str(limits.bandwidth // MIB)]
        theirs.append(["migrate-setspeed", name, str(limits.bandwidth // MIB)])
    return _both(uri, ["migration", name, *ours], *theirs)


def start_postcopy(uri: str, domain: DomainKey) -> Equivalent:
    """Letting the guest of a migration run on the other host."""
    return _both(uri, ["migration", _name(domain), "--postcopy"], ["migrate-postcopy", _name(domain)])


def last_command(uri: str, domain: DomainKey) -> Equivalent:
    """A look at the command that runs for a domain, or at the last one, with its output. virsh has none."""
    return _both(uri, ["run", _name(domain), "--last"])


def connect(uri: str, readonly: bool) -> Equivalent:
    """A look at a host."""
    ours = ["virt-jobs", *(["-r"] if readonly else []), "-c", uri]
    theirs = ["virsh", *(["-r"] if readonly else []), "-c", uri, "list", "--all"]
    return Equivalent(shlex.join(ours), "" if _simulated(uri) else shlex.join(theirs))


def _both(uri: str, ours: Sequence[str], *theirs: Sequence[str]) -> Equivalent:
    virsh = "" if _simulated(uri) else " && ".join(shlex.join(["virsh", "-c", uri, *_apart(words)]) for words in theirs)
    return Equivalent(shlex.join(["virt-jobs", "-c", uri, *_apart(ours)]), virsh)


def _apart(words: Sequence[str]) -> list[str]:
    """The words of a command, its options before ``--`` where the domain's name would be taken for one."""
    command, name, *rest = words
    if not name.startswith("-"):
        return list(words)
    values = rest[: next((number for number, word in enumerate(rest) if word.startswith("--")), len(rest))]
    return [command, *rest[len(values) :], "--", name, *values]


def _name(domain: DomainKey) -> str:
    """What a command finds that domain by: its name, unless that could be another domain's id."""
    return domain.uuid if _ID_OR_UUID.fullmatch(domain.name) else domain.name


def _simulated(uri: str) -> bool:
    return uri.startswith("sim:")
