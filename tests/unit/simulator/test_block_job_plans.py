"""Plans of the jobs of disks: what they show is a function of the clock, and mirrors end only when someone says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import NotSupported, OperationFailed
from backend.model import BlockOperation, DomainState
from backend.simulator import disks
from backend.simulator.disks import Disk, Layer
from backend.simulator.machine import new_machine
from backend.simulator.options import MIB, Fail
from backend.simulator.plans import block_job
from backend.simulator.plans.block_job import BlockJob
from backend.simulator.plans.plan import NEVER, Ending, Stage

BEGUN, LENGTH = 1_700_000_000.0, 10.0
MACHINE = replace(new_machine("test", "vm", 1, 64 * MIB), id=7, state=DomainState.RUNNING)
LAYERS = (Layer("/top", 1), Layer("/middle", 2), Layer("/base", 3))
DISK = Disk("vda", 1024 * MIB, LAYERS)
KINDS = [BlockOperation.PULL, BlockOperation.COPY, BlockOperation.COMMIT, BlockOperation.ACTIVE_COMMIT]
MIRRORS = [kind for kind in KINDS if kind.becomes_ready]
OTHERS = [kind for kind in KINDS if not kind.becomes_ready]


def job(kind: BlockOperation, length: float = LENGTH, size: int = 1024 * MIB, fail: Fail = Fail.NONE) -> BlockJob:
    return block_job.block_job(MACHINE, replace(DISK, size=size), kind, BEGUN, length, "/copy", fail)


any_job = st.builds(job, st.sampled_from(KINDS), st.floats(0.001, 1e5), st.integers(0, 1 << 50), st.sampled_from(Fail))
moments = st.floats(-1, 1e6, allow_nan=False)


@given(any_job, moments)
def test_no_more_is_done_than_there_is(plan: BlockJob, offset: float) -> None:
    stats = plan.stats(BEGUN + offset)
    if stats is not None:
        assert 0 <= stats.processed <= stats.total
        assert stats.processed + stats.remaining == stats.total


@given(any_job, moments, moments)
def test_what_is_done_never_falls(plan: BlockJob, one: float, other: float) -> None:
    first, second = sorted((one, other))
    assert plan.processed(BEGUN + first) <= plan.processed(BEGUN + second)


@given(any_job, moments)
def test_it_is_ready_only_after_everything_is_copied(plan: BlockJob, offset: float) -> None:
    stats = plan.stats(BEGUN + offset)
    if stats is not None and stats.ready:
        assert stats.remaining == 0
    if stats is not None and not BlockOperation(plan.operation).becomes_ready:
        assert stats.ready is None


@given(any_job)
def test_its_stages_follow_each_other(plan: BlockJob) -> None:
    due = [plan.due]
    while plan.stage is not Stage.OVER:
        plan = replace(plan, stage=plan.next_stage)
        due.append(plan.due)
    *moments, over = due
    assert over is None
    assert moments == sorted(moment for moment in moments if moment is not None)


@pytest.mark.parametrize("kind", MIRRORS)
def test_a_mirror_goes_on_until_someone_ends_it(kind: BlockOperation) -> None:
    plan = job(kind)
    assert (plan.stop, plan.end) == (NEVER, NEVER)
    stats = plan.stats(BEGUN + 30 * 86400)
    assert stats is not None and stats.ready and stats.processed == stats.total


@pytest.mark.parametrize("kind", OTHERS)
def test_others_end_by_themselves(kind: BlockOperation) -> None:
    plan = job(kind)
    assert plan.ending is Ending.COMPLETED
    assert plan.stats(plan.end) is None and plan.end < BEGUN + LENGTH + 1


@given(any_job, st.floats(0, 100))
def test_an_abort_cancels_it_soon_or_comes_too_late(plan: BlockJob, offset: float) -> None:
    now = BEGUN + offset
    aborted = block_job.aborted(plan, now)
    if now < plan.stop:
        assert (aborted.ending, aborted.stop) == (Ending.CANCELLED, now)
        assert aborted.end <= now + 1
    else:
        assert aborted == plan
    assert block_job.disk_afterwards(aborted, DISK) == DISK or aborted == plan


@pytest.mark.parametrize("kind", MIRRORS)
def test_a_pivot_completes_a_mirror_that_is_ready(kind: BlockOperation) -> None:
    plan, now = job(kind), BEGUN + LENGTH
    with pytest.raises(OperationFailed, match="not ready for pivot yet") as early:
        block_job.pivoted(plan, now - 0.001)
    assert early.value.code == 83
    pivoted = block_job.pivoted(plan, now)
    assert pivoted.ending is Ending.COMPLETED and pivoted.end < now + 1
    assert block_job.disk_afterwards(pivoted, DISK).layers[0].path == plan.mirror


@pytest.mark.parametrize("kind", OTHERS)
def test_others_cannot_pivot(kind: BlockOperation) -> None:
    with pytest.raises(NotSupported, match="does not support pivot"):
        block_job.pivoted(job(kind), BEGUN + 1)


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        (BlockOperation.PULL, LAYERS[:1]),
        (BlockOperation.COMMIT, (LAYERS[0], LAYERS[2])),
        (BlockOperation.ACTIVE_COMMIT, LAYERS[1:]),
        (BlockOperation.COPY, (Layer("/copy", 109),)),
    ],
)
def test_what_is_left_of_the_chain(kind: BlockOperation, layers: tuple[Layer, ...]) -> None:
    plan = replace(job(kind), id=9)
    assert block_job.disk_afterwards(plan, DISK).layers == layers


@pytest.mark.parametrize(("kind", "layers"), [(BlockOperation.COMMIT, 2), (BlockOperation.ACTIVE_COMMIT, 1)])
def test_a_commit_needs_something_below(kind: BlockOperation, layers: int) -> None:
    with pytest.raises(OperationFailed, match="no backing file"):
        block_job.block_job(MACHINE, replace(DISK, layers=LAYERS[:layers]), kind, BEGUN, LENGTH)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_fails_it_half_way(kind: BlockOperation) -> None:
    plan = job(kind, fail=Fail.DISK_FULL)
    assert plan.ending is Ending.FAILED
    stats = plan.stats(plan.stop)
    assert stats is not None and 0.4 < stats.processed / stats.total < 0.6
    assert block_job.disk_afterwards(plan, DISK) == DISK


def test_disks_are_stored_as_they_are() -> None:
    every = disks.usual_disks("a/b", 3)
    assert tuple(disks.from_json(disks.to_json(every)).values()) == every
    assert len(every) == 2 and not any("a/b" in layer.path for disk in every for layer in disk.layers)
