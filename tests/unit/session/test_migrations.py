"""Which two domains are the ends of one migration, and which only look like it."""

from __future__ import annotations

import pytest

from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.observing.progress import Progress, ProgressMeter
from backend.observing.views import DomainView
from tui.session import migrations
from tui.session.rows import Row, RowStore

OUT, IN, DUMP = JobOperation.MIGRATION_OUT, JobOperation.MIGRATION_IN, JobOperation.DUMP


@pytest.mark.parametrize(
    ("operation", "elsewhere", "host"),
    [
        (OUT, [("b", IN)], "b"),
        (IN, [("a", OUT)], "a"),
        (OUT, [("b", IN), ("c", None), ("d", DUMP)], "b"),
        (OUT, [], ""),
        (OUT, [("b", None)], ""),  # Defined there, or not seen to come in yet.
        (OUT, [("b", OUT)], ""),  # One hypervisor by two names.
        (IN, [("a", OUT), ("b", OUT)], ""),
        (DUMP, [("b", IN)], ""),
        (None, [("b", IN)], ""),
    ],
)
def test_only_one_end_each_makes_a_migration(
    operation: JobOperation | None, elsewhere: list[tuple[str, JobOperation | None]], host: str
) -> None:
    assert migrations.other_host(operation, elsewhere) == host


def row(host: str, operation: JobOperation | None, uuid: str = "u") -> Row:
    domain = Domain(DomainKey(uuid, 1, "vm"), DomainState.RUNNING)
    return Row(f"sim:///{host}", DomainView(domain, operation and _progress(operation)), host)


def _progress(operation: JobOperation) -> Progress:
    return ProgressMeter().update(JobStats(JobType.UNBOUNDED, operation), 0.0)


def ends(rows: RowStore, *hosts: str) -> dict[str, str]:
    """The other end of each row that is told anew."""
    uris = [f"sim:///{host}" for host in hosts]
    corrected = migrations.corrected(rows, uris, ["u"])
    rows.apply(corrected)
    return {row.host: row.other_end for row in corrected}


def test_both_ends_are_told_and_taken_back() -> None:
    rows = RowStore()
    rows.apply([row("a", OUT), row("b", None), row("b", IN, "another")])
    assert ends(rows, "a", "b") == {}
    rows.apply([row("b", IN)])
    assert ends(rows, "a", "b") == {"a": "b", "b": "a"}
    assert ends(rows, "a", "b") == {}
    rows.apply([row("b", None)])
    assert ends(rows, "a", "b") == {"a": ""}


def test_a_host_that_is_dropped_is_no_end_any_more() -> None:
    rows = RowStore()
    rows.apply([row("a", OUT), row("b", IN)])
    ends(rows, "a", "b")
    rows.apply([], [("sim:///a", "u")])
    assert ends(rows, "b") == {"b": ""}
