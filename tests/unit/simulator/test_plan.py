"""Plans: what a job shows is a function of the clock, and of nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import NotSupported, OperationFailed
from backend.job_stats import JobStats, JobType
from backend.model import DomainState, JobOperation
from backend.simulator.machine import Machine, new_machine
from backend.simulator.options import MIB, Fail
from backend.simulator.plans import domain_jobs
from backend.simulator.plans import plan as plans
from backend.simulator.plans.plan import Ending, Plan, Stage

BEGUN = 1_700_000_000.0
ELF, RAW = DumpFlags.MEMORY_ONLY, DumpFlags.NONE


def machine(memory: int = 1024 * MIB) -> Machine:
    return replace(new_machine("test", "vm", 1, memory), id=7, state=DomainState.RUNNING)


def dump(
    flags: DumpFlags = ELF,
    fail: Fail = Fail.NONE,
    memory: int = 1024 * MIB,
    rate: int = 100 * MIB,
    begun: float = BEGUN,
) -> Plan:
    domain = machine(memory)
    return domain_jobs.dump(domain, DumpRequest(domain.key, "/dump", DumpFormat.RAW, flags), True, begun, rate, fail)


def shown(plan: Plan, now: float) -> JobStats | OperationFailed | None:
    try:
        return plan.stats(now)
    except OperationFailed as error:
        return error


moments = st.floats(-10, 200, allow_nan=False)
any_plan = st.one_of(
    st.builds(
        dump,
        flags=st.sampled_from([ELF, RAW, ELF | DumpFlags.CRASH]),
        fail=st.sampled_from(Fail),
        memory=st.integers(1, 1 << 20).map(lambda mib: mib * MIB),
        rate=st.integers(1, 1 << 16).map(lambda mib: mib * MIB),
        begun=st.floats(1e9, 2e9),
    ),
    st.builds(
        lambda kind, length, total: domain_jobs.operation(machine(), kind, BEGUN, length, total),
        st.sampled_from([kind for kind in JobOperation if kind is not JobOperation.UNKNOWN]),
        st.floats(0.001, 1e5),
        st.integers(0, 1 << 50),
    ),
)


@given(any_plan, st.floats(-0.1, 1.1), st.floats(-0.1, 1.1))
def test_processed_never_falls(plan: Plan, one: float, other: float) -> None:
    first, second = sorted(plan.begun + part * (plan.end - plan.begun) for part in (one, other))
    assert plan.processed(first) <= plan.processed(second)


@given(any_plan, st.floats(0, 1))
def test_processed_and_remaining_make_the_total(plan: Plan, part: float) -> None:
    stats = shown(plan, plan.begun + part * (plan.end - plan.begun))
    if isinstance(stats, JobStats):
        assert stats.processed + stats.remaining == stats.total
        assert 0 <= stats.processed <= plan.total


@given(any_plan, st.floats(0, 1), st.floats(0, 1))
def test_elapsed_never_falls(plan: Plan, one: float, other: float) -> None:
    first, second = sorted(plan.begun + part * (plan.end - plan.begun) for part in (one, other))
    assert 0 <= plan.elapsed(first) <= plan.elapsed(second)


@given(any_plan, moments)
def test_it_shows_from_its_begin_to_its_end_and_never_else(plan: Plan, offset: float) -> None:
    now = plan.begun + offset
    assert (shown(plan, now) is not None) == (plan.begun <= now < plan.end)


@given(any_plan, moments)
def test_the_same_moment_always_shows_the_same(plan: Plan, offset: float) -> None:
    first, again = shown(plan, plan.begun + offset), shown(plan, plan.begun + offset)
    assert str(first) == str(again)


@given(any_plan)
def test_its_stages_follow_each_other(plan: Plan) -> None:
    assert plan.begun <= plan.stop <= plan.end
    due = [plan.due]
    while plan.stage is not Stage.OVER:
        plan = replace(plan, stage=plan.next_stage)
        due.append(plan.due)
    assert due == [plan.begun, plan.stop, plan.end, None]


@given(any_plan, st.floats(0, 0.999))
def test_an_abort_ends_it_once_and_soon_or_changes_nothing(plan: Plan, part: float) -> None:
    now = plan.begun + part * (plan.end - plan.begun)
    try:
        aborted = plans.aborted(plan, now)
    except NotSupported:
        assert plan.memory_only
        return
    if aborted.ending is Ending.CANCELLED:
        assert aborted.stop == now and now < aborted.end <= now + 1
        assert not aborted.fate
    else:
        assert aborted == plan


@given(any_plan, st.floats(0, 0.999), st.floats(0, 1))
def test_nothing_of_the_past_changes_by_an_abort(plan: Plan, part: float, before: float) -> None:
    now = plan.begun + part * (plan.end - plan.begun)
    earlier = plan.begun + before * (now - plan.begun)
    if plan.memory_only or not earlier < now:
        return
    assert str(shown(plans.aborted(plan, now), earlier)) == str(shown(plan, earlier))


def test_a_memory_only_dump_reports_memory_and_nothing_else() -> None:
    plan = dump(ELF)
    stats = plan.stats(plan.begun + 1)
    assert stats == JobStats(
        JobType.UNBOUNDED,
        JobOperation.DUMP,
        time_elapsed=1000,
        memory_total=plan.total,
        memory_processed=plan.processed(plan.begun + 1),
        memory_remaining=plan.total - plan.processed(plan.begun + 1),
    )


def test_a_stream_has_no_totals_for_a_moment() -> None:
    stats = dump(RAW).stats(BEGUN)
    assert stats is not None and (stats.total, stats.remaining) == (0, 0)


def test_a_stream_reports_its_rate() -> None:
    stats = dump(RAW, rate=100 * MIB).stats(BEGUN + 1)
    assert stats is not None
    assert (stats.memory_bps, stats.data_total, stats.memory_page_size) == (100 * MIB, 1024 * MIB, 4096)


def test_the_file_is_closed_after_the_last_byte() -> None:
    plan = dump()
    stats = plan.stats((plan.stop + plan.end) / 2)
    assert stats is not None and stats.closing
    assert (stats.processed, stats.remaining) == (plan.total, 0)


def test_a_backup_closes_no_file() -> None:
    plan = domain_jobs.operation(machine(), JobOperation.BACKUP, BEGUN, 10, 5 * MIB)
    stats = plan.stats((plan.stop + plan.end) / 2)
    assert stats is not None and not stats.closing
    assert (stats.processed, stats.remaining) == (plan.total, 0)


def test_a_memory_only_dump_cannot_be_aborted() -> None:
    with pytest.raises(NotSupported, match="cannot abort memory-only dump") as refused:
        plans.aborted(dump(ELF), BEGUN + 1)
    assert refused.value.code == 55


def test_an_aborted_stream_says_so_for_a_moment() -> None:
    plan = plans.aborted(dump(RAW), BEGUN + 1)
    stats = plan.stats(BEGUN + 1.01)
    assert stats is not None and stats.type is JobType.CANCELLED
    assert (plan.ending, plan.code) == (Ending.CANCELLED, 78)


def test_an_abort_while_the_file_is_closed_comes_too_late() -> None:
    plan = dump(RAW)
    assert plans.aborted(plan, (plan.stop + plan.end) / 2) == plan


def test_a_full_disk_under_qemu_shows_in_the_query() -> None:
    plan = dump(ELF, Fail.DISK_FULL)
    with pytest.raises(OperationFailed, match="dump query failed, status=3") as failed:
        plan.stats(plan.stop)
    assert failed.value.code == 9


def test_a_full_disk_under_a_stream_looks_like_success_until_the_result() -> None:
    plan = dump(RAW, Fail.DISK_FULL)
    stats = plan.stats(plan.stop)
    assert stats is not None and stats.closing
    assert plan.ending is Ending.FAILED
    assert "libvirt_iohelper: failure with /dump" in plan.error and "No space left on device" in plan.error


def test_a_hanging_target_gets_nowhere() -> None:
    plan = dump(fail=Fail.HANG)
    assert plan.processed(plan.end - 1) == 0
    assert plan.ending is Ending.FAILED


def test_a_backup_counts_its_disks() -> None:
    stats = domain_jobs.operation(machine(), JobOperation.BACKUP, BEGUN, 10, 5 * MIB).stats(BEGUN + 5)
    assert stats is not None
    assert (stats.disk_total, stats.memory_total) == (5 * MIB, None)
