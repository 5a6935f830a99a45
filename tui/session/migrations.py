"""Which two domains of a fleet are the two ends of one migration.

libvirt tells neither end about the other. But a domain keeps its uuid when it moves: if one host has it with a
migration out and exactly one other host has it with a migration in, these are the two ends. Anything less does not
count: the same domain may be defined on many hosts, and the console may be connected to one hypervisor twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from backend.model import JobOperation, Operation

if TYPE_CHECKING:  # `list` has no rows, and would wait for them.
    from tui.session.rows import Row, RowStore

OTHER_END: Mapping[Operation | None, JobOperation] = {
    JobOperation.MIGRATION_OUT: JobOperation.MIGRATION_IN,
    JobOperation.MIGRATION_IN: JobOperation.MIGRATION_OUT,
}


def other_host(operation: Operation | None, elsewhere: Iterable[tuple[str, Operation | None]]) -> str:
    """The host at the other end of a migration; empty if it could be none, or more than one.

    `elsewhere`: the other hosts that have a domain of that uuid, each with the operation of its job.
    """
    opposite = OTHER_END.get(operation)
    hosts = [host for host, theirs in elsewhere if opposite is not None and theirs == opposite]
    return hosts[0] if len(hosts) == 1 else ""


def migrating(rows: Iterable[Row | None]) -> set[str]:
    """The uuids of those that migrate."""
    return {row.domain.key.uuid for row in rows if row is not None and row.operation in OTHER_END}


def corrected(rows: RowStore, uris: Collection[str], uuids: Iterable[str]) -> list[Row]:
    """The rows of these uuids on these hosts whose other end is not what all rows together say."""
    from tui.session.rows import RowKey

    corrections = []
    for uuid in uuids:
        ends = [row for uri in uris if (row := rows.get(RowKey(uri, uuid))) is not None]
        for row in ends:
            elsewhere = ((other.host, other.operation) for other in ends if other is not row)
            if (host := other_host(row.operation, elsewhere)) != row.other_end:
                corrections.append(replace(row, other_end=host))
    return corrections
