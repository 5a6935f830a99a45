"""Rows of domains, and of the jobs of their disks: how they are counted, sorted and filtered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, Domain, DomainKey, DomainState, JobOperation
from backend.observing.progress import Progress, ProgressMeter
from backend.observing.views import DomainView
from tui.session.row_order import RowOrder
from tui.session.rows import Row, RowKey, RowStore, block_jobs, by_name

URI = "sim:///rows"
DUMP = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, memory_total=9, memory_processed=5, memory_remaining=4)


def progress(stats: JobStats) -> Progress:
    return ProgressMeter().update(stats, 0.0)


def copying(disk: str, done: int = 1, ready: bool = False) -> Progress:
    return progress(JobStats.of_block_job(disk, BlockOperation.COPY, done, 4, ready))


def pulling(disk: str) -> Progress:
    return progress(JobStats.of_block_job(disk, BlockOperation.PULL, 1, 4))


def domain(name: str, *jobs: Progress, own: JobStats | None = None) -> Row:
    view = DomainView(Domain(DomainKey(f"uuid of {name}", 1, name), DomainState.RUNNING), own and progress(own), jobs)
    return Row(URI, view, "hv")


def table(*domains: Row) -> tuple[RowStore, RowOrder]:
    store = RowStore()
    order = RowOrder(store)
    change(store, order, *domains)
    return store, order


def change(store: RowStore, order: RowOrder, *domains: Row) -> bool:
    """Replace these domains, with the jobs of their disks, as a session does."""
    rows = [row for domain in domains for row in (domain, *block_jobs(domain))]
    before = [job.key for domain in domains if domain.key in store for job in block_jobs(store[domain.key])]
    removed = set(before) - {row.key for row in rows}
    store.apply(rows, removed)
    return order.apply(rows, removed)


def names(store: RowStore, order: RowOrder) -> list[str]:
    return [store[key].name for key in order.keys]


def test_each_job_of_a_disk_has_its_own_row_and_counts_as_a_job() -> None:
    store, _ = table(domain("a"), domain("b", copying("vda"), pulling("vdb"), own=DUMP))
    assert (store.domains, store.jobs, len(store)) == (2, 3, 4)
    assert store.counts() == {URI: (2, 3)}
    row = store[RowKey(URI, "uuid of b", "vdb")]
    assert (row.name, row.operation, row.key.of_domain) == ("b vdb", BlockOperation.PULL, domain("b").key)


def test_jobs_of_disks_stand_below_their_domain_which_is_among_the_busy_ones() -> None:
    store, order = table(domain("a"), domain("c", copying("vda"), copying("vdb")), domain("b", own=DUMP))
    assert names(store, order) == ["b", "c", "c vda", "c vdb", "a"]


@pytest.mark.parametrize("descending", [False, True])
def test_they_stay_below_it_whatever_the_table_is_sorted_by(descending: bool) -> None:
    store, order = table(domain("a", copying("vda"), copying("vdb")), domain("b", copying("vda")))
    order.sort_by(by_name, descending)
    groups = [["a", "a vda", "a vdb"], ["b", "b vda"]]
    assert names(store, order) == [name for group in (reversed(groups) if descending else groups) for name in group]


def test_namesakes_for_the_sort_keep_their_own() -> None:
    store, order = table(domain("vm-1", copying("vda")), domain("vm-01", copying("vda")))
    first, second = ["vm-1", "vm-1 vda"], ["vm-01", "vm-01 vda"]
    assert names(store, order) in ([*first, *second], [*second, *first])


def test_a_job_that_ends_takes_its_row_along() -> None:
    store, order = table(domain("a"), domain("b", copying("vda"), copying("vdb")))
    assert change(store, order, domain("b", copying("vdb")))
    assert names(store, order) == ["b", "b vdb", "a"]
    assert not order.shows(RowKey(URI, "uuid of b", "vda"))
    assert change(store, order, domain("b"))
    assert names(store, order) == ["a", "b"]
    assert (store.domains, store.jobs) == (2, 0)


def test_a_job_that_only_goes_on_changes_no_order() -> None:
    store, order = table(domain("a"), domain("b", copying("vda")))
    assert not change(store, order, domain("b", copying("vda", done=2)))


def test_a_domain_that_is_gone_takes_them_along() -> None:
    store, order = table(domain("a"), gone := domain("b", copying("vda")))
    removed = [gone.key, *(job.key for job in block_jobs(gone))]
    store.apply([], removed)
    assert order.apply([], removed)
    assert (names(store, order), store.domains, store.jobs) == (["a"], 1, 0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("copy", ["b", "b vda", "c", "c vda"]),
        ("block pull", ["b", "b vdb"]),
        ("vdb", ["b", "b vdb"]),
        ("ready", ["c", "c vda"]),
        ("b", ["b", "b vda", "b vdb", "c", "c vda"]),  # "block"
        ("dump", ["a"]),
        ("!copy", ["b", "b vdb", "a", "c"]),
        ("!block", ["b", "a", "c"]),
    ],
)
def test_the_filter_finds_them_and_never_shows_one_without_its_domain(text: str, shown: list[str]) -> None:
    rows = domain("a", own=DUMP), domain("b", copying("vda"), pulling("vdb")), domain("c", copying("vda", 4, True))
    store, order = table(*rows)
    order.filter_by(text)
    assert sorted(names(store, order)) == sorted(shown)
    for index, key in enumerate(order.keys):
        assert not key.disk or order.keys[index - 1].uuid == key.uuid


def test_what_changes_under_a_filter_comes_and_goes() -> None:
    store, order = table(domain("a"), domain("b"))
    order.filter_by("copy")
    assert order.keys == []
    assert change(store, order, domain("b", copying("vda"), pulling("vdb")))
    assert names(store, order) == ["b", "b vda"]
    assert change(store, order, domain("b", pulling("vdb")))
    assert order.keys == []


def test_a_domain_is_sorted_by_its_own_job_or_else_by_that_of_a_disk() -> None:
    both = domain("a", copying("vda"), own=DUMP)
    assert both.first_job is both.progress
    assert domain("b", copying("vda")).first_job is not None
    assert domain("c").first_job is None


def test_the_row_of_a_job_is_stale_where_its_domain_is() -> None:
    [job] = block_jobs(replace(domain("a", copying("vda")), stale=True))
    assert job.stale


def test_a_filter_finds_a_state_as_the_table_shows_it() -> None:
    store, order = table(domain("a"), paused := domain("b"))
    view = replace(paused.view, domain=replace(paused.domain, state=DomainState.PAUSED, reason="dumping"))
    change(store, order, replace(paused, view=view))
    order.filter_by("paused: dump")
    assert names(store, order) == ["b"]
