"""Plans of migrations: whether one ends follows from what its guest writes, and from its limits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import NotSupported
from backend.job_stats import JobStats, JobType, Postcopy
from backend.model import DomainState, MigrationLimits
from backend.simulator.machine import new_machine
from backend.simulator.options import MIB
from backend.simulator.plans import migration as migrations
from backend.simulator.plans.migration import MAX_DOWNTIME, Migration
from backend.simulator.plans.plan import NEVER, Ending

BEGUN, LENGTH, MEMORY = 1_700_000_000.0, 10.0, 1000 * MIB
LINK = MEMORY // 10
"""Bytes per second that the link carries."""
MACHINE = replace(new_machine("test", "vm", 1, MEMORY), id=7, state=DomainState.RUNNING)


def migration(
    load: float = 0.0, working_set: int = MEMORY, bandwidth: int = 0, postcopy: bool = True, patience: float = NEVER
) -> Migration:
    return migrations.migration(MACHINE, BEGUN, LENGTH, load, working_set, bandwidth, postcopy, patience)


def restless(patience: float = NEVER) -> Migration:
    """One whose guest writes as fast as the half of the link carries that it may use."""
    return migration(load=0.6, working_set=200 * MIB, bandwidth=LINK // 2, patience=patience)


def shown(plan: Migration, offset: float) -> JobStats:
    stats = plan.stats(BEGUN + offset)
    assert stats is not None
    return stats


loads = st.one_of(st.floats(0, 0.9), st.floats(1.0, 4))
any_migration = st.builds(
    migration, loads, st.integers(0, MEMORY), st.one_of(st.just(0), st.integers(MIB, LINK)), st.booleans()
)
offsets = st.floats(0, 1e5)
any_limits = st.builds(
    MigrationLimits,
    st.one_of(st.none(), st.integers(0, 20_000)),
    st.one_of(st.none(), st.just(0), st.integers(MIB, 2 * LINK)),
)


def plan_after(plan: Migration, changes: list[tuple[float, MigrationLimits]]) -> Migration:
    for at, limits in sorted(changes, key=lambda change: change[0]):
        if BEGUN + at < plan.end:
            plan = migrations.limited(plan, BEGUN + at, limits)
    return plan


changed_migration = st.builds(plan_after, any_migration, st.lists(st.tuples(st.floats(0, 60), any_limits), max_size=4))


@given(changed_migration, offsets)
def test_no_more_remains_than_there_is(plan: Migration, offset: float) -> None:
    stats = plan.stats(BEGUN + offset)
    if stats is not None:
        assert 0 <= stats.remaining <= stats.total == MEMORY


@given(changed_migration, offsets, offsets)
def test_what_is_sent_and_the_iteration_never_fall(plan: Migration, one: float, other: float) -> None:
    earlier, later = (plan.stats(BEGUN + offset) for offset in sorted((one, other)))
    if earlier is not None and later is not None:
        assert earlier.processed <= later.processed
        assert (earlier.memory_iteration or 0) <= (later.memory_iteration or 0)


@given(changed_migration)
def test_the_guest_stands_still_for_no_longer_than_allowed(plan: Migration) -> None:
    if plan.stop != NEVER:
        assert plan.stop - plan.last_phase <= plan.max_downtime / 1000 + 0.001
        assert (shown(plan, plan.stop - BEGUN).downtime or 0) <= plan.max_downtime
        assert plan.ending is Ending.COMPLETED and plan.fate == "migrated"


def open_to_change(plan: Migration, at: float) -> bool:
    """Whether the migration goes on then, and its guest still runs here."""
    return BEGUN + at < min(plan.stop, plan.last_phase)


@given(changed_migration, st.floats(0, 500), any_limits)
def test_new_limits_go_on_from_where_it_is(plan: Migration, later: float, limits: MigrationLimits) -> None:
    at = plan.since + later
    if open_to_change(plan, at):
        before, after = shown(plan, at), shown(migrations.limited(plan, BEGUN + at, limits), at)
        assert after.processed == pytest.approx(before.processed, abs=MIB)
        assert after.remaining == pytest.approx(before.remaining, abs=MIB)
        assert (after.memory_iteration, after.memory_dirty_rate) == (before.memory_iteration, before.memory_dirty_rate)


@given(st.floats(0, 0.9), st.integers(0, MEMORY))
def test_a_guest_that_writes_less_than_is_sent_converges(load: float, working_set: int) -> None:
    assert migration(load, working_set).stop < NEVER


@given(st.floats(1.0, 10), st.integers(int(LINK * 0.4), MEMORY))
def test_a_guest_that_writes_as_fast_as_is_sent_does_not(load: float, working_set: int) -> None:
    plan = migration(load, working_set)
    assert plan.stop == NEVER
    assert shown(plan, 1e6).type is JobType.UNBOUNDED


@given(st.floats(1.0, 10), st.integers(int(LINK * 0.4), MEMORY), st.floats(0, 500))
def test_it_does_once_enough_downtime_is_allowed(load: float, working_set: int, at: float) -> None:
    plan = migration(load, working_set)
    needed = int(working_set / LINK * 1000) + 1
    assert migrations.limited(plan, BEGUN + at, MigrationLimits(max_downtime=needed)).stop < NEVER
    if at > LENGTH * 3:  # It has seen how much the guest writes to.
        too_little = int(shown(plan, at).downtime or 0) - 1
        assert migrations.limited(plan, BEGUN + at, MigrationLimits(max_downtime=too_little)).stop == NEVER


@given(st.floats(0, 500))
def test_more_bandwidth_helps_a_guest_that_the_link_can_outrun(at: float) -> None:
    plan = restless()
    assert plan.stop == NEVER
    assert migrations.limited(plan, BEGUN + at, MigrationLimits(bandwidth=0)).stop < NEVER
    assert migrations.limited(plan, BEGUN + at, MigrationLimits(bandwidth=LINK // 2 + MIB)).stop == NEVER


@given(changed_migration, st.floats(0, 500))
def test_postcopy_ends_every_migration(plan: Migration, later: float) -> None:
    at = plan.since + later
    if not open_to_change(plan, at) or not plan.postcopy:
        return
    after = migrations.postcopy_started(plan, BEGUN + at)
    assert after.phase is Postcopy.ACTIVE
    assert after.stop <= BEGUN + at + MEMORY / after.speed + 0.001
    first = shown(after, at)
    assert first.remaining >= 0
    assert shown(after, min(after.stop - BEGUN, at + 1)).remaining <= first.remaining


def test_what_remains_swings_within_each_round_and_the_rounds_are_counted() -> None:
    plan = restless()
    samples = [shown(plan, tenth / 10) for tenth in range(1000)]
    grown = [one for one, other in pairwise(samples) if other.remaining > one.remaining]
    assert len(grown) > 10
    iterations = [stats.memory_iteration or 0 for stats in samples]
    assert iterations == sorted(iterations) and iterations[-1] > 10


def test_it_says_what_it_would_need() -> None:
    stats = shown(restless(), 100)
    assert stats.downtime == pytest.approx(4000, abs=10)
    rate = (stats.memory_dirty_rate or 0) * (stats.memory_page_size or 0)
    assert stats.memory_bps == LINK // 2
    assert rate == pytest.approx(LINK // 2, rel=0.01)


def test_the_first_round_knows_nothing_of_the_guest() -> None:
    stats = shown(restless(), 5)
    assert (stats.memory_iteration, stats.memory_dirty_rate, stats.downtime) == (1, 0, MAX_DOWNTIME)


def test_a_client_without_patience_gives_up() -> None:
    plan = restless(patience=60)
    assert (plan.stop, plan.ending) == (BEGUN + 60, Ending.CANCELLED)
    helped = migrations.limited(plan, BEGUN + 30, MigrationLimits(max_downtime=10_000))
    assert helped.ending is Ending.COMPLETED and helped.stop < BEGUN + 60


def test_a_guest_that_stands_still_is_sent_once() -> None:
    paused = replace(MACHINE, state=DomainState.PAUSED)
    plan = migrations.migration(paused, BEGUN, LENGTH, load=5.0, working_set=MEMORY)
    assert plan.stop == BEGUN + LENGTH


def test_limits_that_come_when_the_guest_stands_still_change_nothing() -> None:
    plan = migration(load=0.5, working_set=MEMORY // 2)
    assert migrations.limited(plan, (plan.last_phase + plan.stop) / 2, MigrationLimits(0, MIB)) == plan


# Post-copy, and its failure


def in_postcopy() -> Migration:
    return migrations.postcopy_started(restless(), BEGUN + 50)


def test_not_every_migration_can_start_postcopy() -> None:
    with pytest.raises(NotSupported, match="VIR_MIGRATE_POSTCOPY"):
        migrations.postcopy_started(migration(postcopy=False), BEGUN + 1)


def test_the_guest_asks_for_pages_during_postcopy() -> None:
    plan = in_postcopy()
    assert (shown(plan, 52).memory_postcopy_requests or 0) > (shown(plan, 51).memory_postcopy_requests or 0)
    assert shown(plan, 51).remaining > shown(plan, 52).remaining


def test_an_abort_has_to_know_the_phase() -> None:
    with pytest.raises(NotSupported, match="cannot abort migration in post-copy mode"):
        migrations.aborted(in_postcopy(), BEGUN + 51, postcopy=False)
    with pytest.raises(NotSupported, match="not outgoing migration in post-copy mode"):
        migrations.aborted(restless(), BEGUN + 51, postcopy=True)
    assert migrations.aborted(restless(), BEGUN + 51, postcopy=False).ending is Ending.CANCELLED


def test_a_broken_postcopy_stays_as_it_is() -> None:
    plan = migrations.aborted(in_postcopy(), BEGUN + 51, postcopy=True)
    assert isinstance(plan, Migration) and plan.end == NEVER
    first, later = shown(plan, 52), shown(plan, 86400)
    assert first.remaining == later.remaining > 0
    assert later.time_elapsed > first.time_elapsed
    for postcopy in (False, True):
        with pytest.raises(NotSupported):
            migrations.aborted(plan, BEGUN + 60, postcopy)
    assert migrations.limited(plan, BEGUN + 60, MigrationLimits(20_000, 0)) == plan


def test_it_can_be_recovered() -> None:
    broken = migrations.aborted(in_postcopy(), BEGUN + 51, postcopy=True)
    assert isinstance(broken, Migration)
    plan = migrations.recovered(broken, BEGUN + 500)
    assert plan.ending is Ending.COMPLETED and BEGUN + 500 < plan.stop < BEGUN + 510
    with pytest.raises(NotSupported):
        migrations.recovered(plan, BEGUN + 501)
