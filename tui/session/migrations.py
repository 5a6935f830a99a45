"""Which two domains of a fleet are the ends of one migration. No widget in here.

libvirt tells neither end of the other. But a domain keeps its uuid when it moves: where one host has it with a
migration out and exactly one other with a migration in, these are its two ends. Anything less is not taken for one:
the same domain may be defined on many hosts, and one hypervisor may be connected to twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from backend.model import JobOperation

if TYPE_CHECKING:
    from tui.session.rows import Row, Rows

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


def migrating(rows: Iterable[Row | None]) -> set[str]:
    """The uuids of those that migrate."""
    return {row.domain.key.uuid for row in rows if row is not None and _operation(row) in OTHER_END}


def corrected(rows: Rows, uris: Collection[str], uuids: Iterable[str]) -> list[Row]:
    """The rows of these uuids on these hosts that say another thing of their other end than all rows together do."""
    found = []
    for uuid in uuids:
        ends = [row for uri in uris if (row := rows.get((uri, uuid))) is not None]
        for row in ends:
            elsewhere = ((other.host, _operation(other)) for other in ends if other is not row)
            if (host := other_host(_operation(row), elsewhere)) != row.other_end:
                found.append(replace(row, other_end=host))
    return found


def _operation(row: Row) -> JobOperation | None:
    return row.progress.stats.operation if row.progress is not None else None
