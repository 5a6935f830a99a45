"""Numbers for people: never beyond 100 %, never backwards, and honest about standing still."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dump_request import DumpFlags, DumpFormat, format_name
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DomainState, JobOperation
from backend.observing.progress import STALLED_AFTER, ProgressMeter
from backend.text import clean
from tui.words import units


def sample(processed: int, total: int = 1000, remaining: int | None = None, type: int = 2) -> JobStats:
    left = total - processed if remaining is None else remaining
    values = {"operation": 8, "memory_total": total, "memory_processed": processed, "memory_remaining": left}
    return JobStats.from_params(type, values)


@given(st.lists(st.tuples(st.integers(0, 2**50), st.integers(0, 2**50), st.integers(0, 2**50)), min_size=1))
def test_the_fraction_stays_within_bounds_and_never_falls(samples: list[tuple[int, int, int]]) -> None:
    meter = ProgressMeter()
    seen = 0.0
    for moment, (processed, total, remaining) in enumerate(samples):
        fraction = meter.update(sample(processed, total, remaining), float(moment)).fraction
        if fraction is not None:
            assert seen <= fraction <= 1.0
            seen = fraction


def test_rate_and_eta_come_from_what_moved() -> None:
    meter = ProgressMeter()
    meter.update(sample(0), 0.0)
    progress = meter.update(sample(200), 2.0)
    assert (progress.rate, progress.eta) == (100.0, 8.0)


def test_a_disks_job_that_is_ready_neither_stalls_nor_ends_by_itself() -> None:
    meter = ProgressMeter()
    meter.update(JobStats.of_block_job("vda", BlockOperation.COPY, 50, 100), 0.0)
    progress = meter.update(JobStats.of_block_job("vda", BlockOperation.COPY, 100, 100, ready=True), 1.0)
    assert (progress.fraction, progress.eta, progress.stalled) == (1.0, None, 0.0)
    later = meter.update(progress.stats, 1.0 + 2 * STALLED_AFTER)
    assert (later.eta, later.stalled) == (None, 0.0)


def test_a_second_look_goes_on_from_the_first() -> None:
    first = ProgressMeter()
    first.update(sample(500), 0.0)
    known = first.update(sample(500), STALLED_AFTER + 1)
    again = ProgressMeter(known, 100.0).update(sample(500), 101.0)
    assert again.stalled == STALLED_AFTER + 2
    assert ProgressMeter(known, 100.0).update(sample(400), 101.0).fraction == 0.5


def test_pages_that_need_no_transfer_count_as_done() -> None:
    meter = ProgressMeter()
    assert meter.update(sample(10, remaining=100), 0.0).fraction == 0.9


def test_nothing_is_divided_by_a_total_of_zero() -> None:
    progress = ProgressMeter().update(sample(0, total=0), 0.0)
    assert (progress.fraction, progress.eta) == (None, None)


def test_a_job_that_stands_still_is_stalled_and_one_that_closes_is_not() -> None:
    meter = ProgressMeter()
    meter.update(sample(100), 0.0)
    assert meter.update(sample(100), STALLED_AFTER - 0.1).stalled == 0.0
    assert meter.update(sample(100), STALLED_AFTER + 1).stalled == STALLED_AFTER + 1
    assert meter.update(sample(100, type=JobType.COMPLETED), STALLED_AFTER + 2).stalled == 0.0


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (10 * 2**20, "10.0 MiB"),
        (268 * 2**20, "268 MiB"),
        (2**70, "1024 EiB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert units.size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(14.9, "0:14"), (3723, "1:02:03"), (90061, "1d 01:01"), (-1, "0:00")])
def test_durations(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0304, "30 ms"), (0.0996, "0.1 s"), (3.44, "3.4 s"), (9.94, "9.9 s"), (9.96, "0:09"), (83, "1:23")],
)
def test_how_long_a_job_took_has_tenths_where_they_matter(seconds: float, text: str) -> None:
    assert units.took(seconds) == text


@given(st.floats(-1, 2), st.integers(1, 60), st.booleans())
def test_a_bar_has_its_width(fraction: float, width: int, ascii_only: bool) -> None:
    bar = units.bar(fraction, width, ascii_only)
    assert len(bar) == width
    assert bar.isascii() or not ascii_only


def test_99_percent_and_a_bit_is_not_100() -> None:
    assert units.percent(0.9999) == "99 %"


@given(st.text())
def test_clean_text_is_one_line_without_controls(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == clean(cleaned)
    assert cleaned.isprintable() or all(ord(letter) > 0x9F for letter in cleaned if not letter.isprintable())


def test_escapes_and_bidi_are_spelled_out() -> None:
    assert clean("a\x1b[31m\u202eb\nc") == "a\\x1b[31m\\u202eb c"


def test_numbers_of_a_newer_libvirt_are_kept_and_shown() -> None:
    assert (int(JobOperation(11)), JobOperation(11).label) == (11, "operation 11")
    assert (int(DomainState(42)), DomainState(42).label) == (42, "state 42")
    assert format_name(DumpFormat(9), DumpFlags.MEMORY_ONLY) == "format 9"
    assert JobStats.from_params(2, {"operation": 99, "a_new_field": 1}).operation == 99
