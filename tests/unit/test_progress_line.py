"""The progress line of commands that wait fits the terminal: the bar gives way first, the times last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.job_stats import JobStats, JobType
from backend.model import JobOperation
from backend.observing.progress import Progress, ProgressMeter
from tests.unit.test_job_lines import COPY, DUMP, PULL, READY
from tui.cli.progress_line import progress_line, several_jobs_line
from tui.cli.tables import cells_of

GIB = 1 << 30
MIGRATION = JobStats(
    JobType.UNBOUNDED,
    JobOperation.MIGRATION_OUT,
    time_elapsed=95_000,
    memory_total=64 * GIB,
    memory_processed=70 * GIB,
    memory_remaining=3 * GIB,
    memory_dirty_rate=300_000,
    memory_page_size=4096,
    memory_bps=GIB,
    memory_iteration=9,
)


def dump(seconds: int = 14, size: int = 4 * GIB) -> Progress:
    """A dump that writes an eighth of a GiB a second, for so long."""
    meter = ProgressMeter()
    for second in range(seconds + 1):
        done = min(size, second * GIB // 8)
        stats = replace(
            DUMP, time_elapsed=second * 1000, memory_total=size, memory_processed=done, memory_remaining=size - done
        )
        progress = meter.update(stats, float(second))
    return progress


def seen(stats: JobStats) -> Progress:
    return ProgressMeter().update(stats, 0.0)


ALL = {
    "dump": dump(),
    "long dump": dump(3700, 1 << 40),
    "copy": seen(COPY),
    "ready": seen(READY),
    "pull": seen(PULL),
    "migration": seen(MIGRATION),
}


def test_at_80_columns_there_is_the_time_that_it_takes() -> None:
    assert progress_line("db-01", dump(), None, False) == (
        "db-01  dump  ########............  43 %  2.2 GiB left of 4.0 GiB  128 MiB/s  0:14  ETA about 0:18"
    )
    assert progress_line("db-01", dump(), 79, False) == (
        "db-01  dump  #####........  43 %  2.2 GiB left  128 MiB/s  0:14  ETA about 0:18"
    )
    assert progress_line("db-01", dump(), 90, False).count(".") > 6


@pytest.mark.parametrize("name", ["db-01", "a-very-long-name-of-a-domain-with-a-role-and-a-site", "データベース" * 5])
@pytest.mark.parametrize("progress", ALL.values(), ids=ALL.keys())
def test_it_fits_every_terminal(name: str, progress: Progress) -> None:
    for width in range(24, 140):
        line = progress_line(name, progress, width)
        assert cells_of(line) <= width, line


@pytest.mark.parametrize("kind", ["dump", "long dump"])
@pytest.mark.parametrize("width", [59, 79, 119])
def test_elapsed_and_left_stay(kind: str, width: int) -> None:
    line = progress_line("web-frontend-01", ALL[kind], width)
    elapsed = {"dump": "0:14", "long dump": "1:01:40"}[kind]
    assert elapsed in line
    assert "ETA" in line
    assert "%" in line


def test_a_sentence_gives_way_to_the_times() -> None:
    line = progress_line("db-01", ALL["migration"], 79)
    assert "3.0 GiB left  1:35" in line
    assert line.endswith("…")


def test_of_several_jobs_as_many_are_shown_as_fit() -> None:
    jobs = [(f"web-{number:02}", seen(replace(DUMP, memory_processed=number))) for number in range(30)]
    line = several_jobs_line(jobs, 79)
    assert cells_of(line) <= 79
    assert line.startswith("30 jobs  web-00 ")
    assert line.endswith(" more")
    assert several_jobs_line(jobs[:2], 79) == "2 jobs  web-00 50 %  web-01 50 %"
    assert several_jobs_line(jobs, 12) == "30 jobs  +3…"
