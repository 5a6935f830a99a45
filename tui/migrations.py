"""Which two domains of a fleet are the ends of one migration. No widget in here.

libvirt tells neither end of the other. But a domain keeps its uuid when it moves: where one host has it with a
migration out and exactly one other with a migration in, these are its two ends. Anything less is not taken for one:
the same domain may be defined on many hosts, and one hypervisor may be connected to twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.model import JobOperation

OTHER_END: Mapping[JobOperation | None, JobOperation] = {
    JobOperation.MIGRATION_OUT: JobOperation.MIGRATION_IN,
    JobOperation.MIGRATION_IN: JobOperation.MIGRATION_OUT,
}


def other_host(operation: JobOperation | None, elsewhere: Iterable[tuple[str, JobOperation | None]]) -> str:
    """The host at the other end of a migration; empty where none, or more than one, may be it.

    `elsewhere`: the other hosts that have a domain of that uuid, each with the operation of its job.
    """
    wanted = OTHER_END.get(operation)
    hosts = [host for host, found in elsewhere if wanted is not None and found is wanted]
    return hosts[0] if len(hosts) == 1 else ""
