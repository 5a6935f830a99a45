"""What is said of a migration's end is no lie: held against guests that write, and a link that sends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.job_stats import JobStats, JobType, Postcopy
from backend.model import JobOperation
from backend.observing.convergence import Convergence, Course
from backend.observing.progress import Progress, ProgressMeter
from tui.words import migrating

MIB = 1 << 20
PAGE = 4096
INTERVAL = 0.25
"""Seconds between two samples."""
PATIENCE = 2000.0
"""Seconds after which a migration will not end any more."""


@dataclass
class Migration:
    """QEMU's: a guest of so many bytes that writes to a part of them again and again, and a link. Rates in bytes/s."""

    memory: int
    written: int
    """How much of it the guest writes to."""
    writes: float
    link: float
    max_downtime: int
    """ms"""
    elapsed: float = 0.0
    sent: float = 0.0
    iteration: int = 1
    remaining: float = 0.0
    passed: float = 0.0
    dirty_rate: int = 0
    downtime: int = 300
    over: bool = False
    at_random: bool = False
    """Whether it writes anywhere in that part, not from its begin to its end over and over."""
    history: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.remaining = float(self.memory)

    @property
    def stats(self) -> JobStats:
        return JobStats(
            JobType.UNBOUNDED,
            JobOperation.MIGRATION_OUT,
            time_elapsed=int(self.elapsed * 1000),
            downtime=self.downtime,
            memory_total=self.memory,
            memory_processed=int(self.sent),
            memory_remaining=int(self.remaining),
            memory_bps=int(self.link),
            memory_dirty_rate=self.dirty_rate,
            memory_page_size=PAGE,
            memory_iteration=self.iteration,
            max_downtime=self.max_downtime,
        )

    def dirtied(self, seconds: float) -> float:
        """Bytes of its memory that it writes to in that time."""
        if self.at_random and self.written:
            return self.written * (1 - math.exp(-self.writes * seconds / self.written))
        return min(self.writes * seconds, self.written)

    def run(self, seconds: float) -> None:
        """Go on for that long, or to the end."""
        step = 0.01
        for _ in range(round(seconds / step)):
            if self.over:
                return
            self.elapsed += step
            self.passed += step
            self.sent += self.link * step
            self.remaining -= self.link * step
            enough = self.link * self.max_downtime / 1000
            if self.remaining < enough:
                dirty = self.dirtied(self.passed)
                # What was not sent yet is written to again.
                most = self.written if self.iteration > 1 else self.memory
                self.remaining = min(max(0.0, self.remaining) + dirty, most)
                self.dirty_rate = int(dirty / self.passed / PAGE)
                self.downtime = int(self.remaining / self.link * 1000)
                self.iteration += 1
                self.passed = 0.0
                if self.remaining < enough:
                    self.elapsed += self.remaining / self.link
                    self.over = True

    def watch(self, seconds: float = PATIENCE) -> list[Progress]:
        """What is told of it, sample by sample, until it is over or so much time has passed."""
        meter = ProgressMeter()
        while not self.over and self.elapsed < seconds:
            self.history.append(meter.update(self.stats, self.elapsed))
            self.run(INTERVAL)
        return self.history


def convergence(progress: Progress) -> Convergence:
    assert progress.convergence is not None
    return progress.convergence


guests = st.builds(
    Migration,
    memory=st.integers(64 * MIB, 4096 * MIB),
    written=st.integers(0, 64 * MIB),
    writes=st.floats(0, 400 * MIB),
    link=st.floats(16 * MIB, 256 * MIB),
    max_downtime=st.integers(10, 2000),
    at_random=st.booleans(),
)


@given(guests)
def test_a_time_that_is_told_is_kept(migration: Migration) -> None:
    for progress in migration.watch(200.0):
        if progress.eta is not None:
            told = progress.stats.time_elapsed / 1000 + progress.eta
            assert migration.over, migration
            assert abs(migration.elapsed - told) <= 1.0 + progress.eta * 0.5, (progress, migration)


@given(guests)
def test_no_bar_that_may_have_to_go_back_and_no_time_without_a_course(migration: Migration) -> None:
    for progress in migration.watch(60.0):
        course = convergence(progress).course
        assert progress.fraction is None
        assert progress.eta is None or course is Course.CONVERGING
        assert (course is Course.FIRST_PASS) == (progress.stats.memory_iteration == 1)


@given(guests)
def test_not_converging_is_said_of_none_that_is_about_to_end(migration: Migration) -> None:
    for progress in migration.watch(200.0):
        told = convergence(progress)
        if told.course is Course.NOT_CONVERGING:
            assert told.downtime is not None
            at = progress.stats.time_elapsed / 1000
            assert not migration.over or migration.elapsed - at > told.downtime / 2 - 1.0, (progress, migration)


def test_a_guest_that_writes_as_fast_as_it_is_sent_never_converges() -> None:
    migration = Migration(64 * MIB, 63 * MIB, 500 * MIB, 4 * MIB, 300)
    history = migration.watch(60.0)
    assert not migration.over
    assert {convergence(progress).course for progress in history} == {Course.FIRST_PASS, Course.NOT_CONVERGING}
    assert all(progress.eta is None for progress in history)
    assert migrating.sentence(convergence(history[-1])) == (
        "not converging: the guest dirties 4.1 MiB/s, the link carries 4.0 MiB/s; "
        "needs 15.8 s of downtime, 300 ms allowed"
    )


def test_one_that_is_allowed_to_stand_still_for_as_long_as_it_needs_ends() -> None:
    migration = Migration(64 * MIB, 32 * MIB, 500 * MIB, 4 * MIB, 300)
    migration.watch(20.0)
    migration.max_downtime = 9000
    history = migration.watch()
    assert migration.over
    assert migrating.sentence(convergence(history[-1])).startswith("converging, about ")


def test_a_guest_that_writes_little_converges_and_its_end_is_told() -> None:
    migration = Migration(4096 * MIB, 2048 * MIB, 16 * MIB, 32 * MIB, 300)
    history = migration.watch()
    assert migration.over
    courses = [convergence(progress).course for progress in history]
    assert courses == sorted(courses, key=[Course.FIRST_PASS, Course.SECOND_PASS, Course.CONVERGING].index)
    told = next(progress for progress in history if progress.eta is not None)
    assert told.eta == pytest.approx(migration.elapsed - told.stats.time_elapsed / 1000, rel=0.1)
    assert migrating.sentence(convergence(told)) == "converging, about 0:33 left"


def test_the_first_pass_tells_how_long_it_takes_and_no_more() -> None:
    migration = Migration(64 * MIB, 0, 0.0, 4 * MIB, 300)
    progress = migration.watch(8.0)[-1]
    assert progress.eta is None
    assert migrating.sentence(convergence(progress)) == (
        "first pass, about 0:07 left of it; what the guest dirties meanwhile is known only then"
    )


def test_a_throttled_guest_is_mentioned() -> None:
    migration = Migration(64 * MIB, 63 * MIB, 500 * MIB, 4 * MIB, 300)
    told = replace(convergence(migration.watch(30.0)[-1]), throttle=40)
    assert migrating.sentence(told).endswith("; its CPUs are throttled by 40 %")


def postcopy(remaining: int, state: Postcopy, elapsed: int = 9000) -> JobStats:
    migration = Migration(64 * MIB, 63 * MIB, 500 * MIB, 4 * MIB, 300, iteration=3, dirty_rate=1000)
    return replace(migration.stats, memory_remaining=remaining, postcopy=state, time_elapsed=elapsed)


def test_in_post_copy_what_remains_only_becomes_less() -> None:
    meter = ProgressMeter()
    meter.update(postcopy(48 * MIB, Postcopy.ACTIVE), 0.0)
    progress = meter.update(postcopy(44 * MIB, Postcopy.ACTIVE, 11000), 2.0)
    assert (progress.fraction, progress.eta) == (20 / 64, 22.0)
    assert migrating.sentence(convergence(progress)) == (
        "post-copy: the guest runs on the other host, about 0:22 until all of its memory is there"
    )


def test_a_failed_post_copy_has_no_end() -> None:
    meter = ProgressMeter()
    meter.update(postcopy(48 * MIB, Postcopy.ACTIVE), 0.0)
    progress = meter.update(postcopy(44 * MIB, Postcopy.FAILED, 11000), 2.0)
    assert (progress.eta, convergence(progress).course) == (None, Course.POSTCOPY_FAILED)


@pytest.mark.parametrize("operation", [JobOperation.DUMP, JobOperation.SAVE, JobOperation.MIGRATION_IN])
def test_other_jobs_have_no_convergence(operation: JobOperation) -> None:
    stats = replace(Migration(64 * MIB, 0, 0.0, 4 * MIB, 300).stats, operation=operation)
    progress = ProgressMeter().update(stats, 0.0)
    assert progress.convergence is None
    assert progress.fraction == 0.0
