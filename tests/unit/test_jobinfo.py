"""The lines of ``info`` against what virsh 9.0.0 printed for the same stats, to the last blank."""

from __future__ import annotations

from dataclasses import fields

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation
from tui.words import jobinfo

MEMORY_ONLY = {
    "operation": 8,
    "time_elapsed": 1183,
    "memory_total": 1074003968,
    "memory_processed": 494923776,
    "memory_remaining": 579080192,
}
RAW_COMPLETED = {
    "operation": 8,
    "time_elapsed": 66,
    "downtime": 64,
    "setup_time": 0,
    "data_total": 1074003968,
    "data_processed": 2769305,
    "data_remaining": 0,
    "memory_total": 1074003968,
    "memory_processed": 2769305,
    "memory_remaining": 0,
    "memory_constant": 262140,
    "memory_normal": 100,
    "memory_normal_bytes": 409600,
    "memory_bps": 51066699,
    "memory_dirty_rate": 0,
    "memory_page_size": 4096,
    "memory_iteration": 2,
    "memory_postcopy_requests": 0,
    "disk_total": 0,
    "disk_processed": 0,
    "disk_remaining": 0,
    "disk_bps": 0,
}


def printed(type: int, params: dict[str, object]) -> str:
    return "\n".join([*jobinfo.lines(JobStats.from_params(type, params)), ""])


def test_a_running_memory_only_dump() -> None:
    assert printed(2, MEMORY_ONLY) == (
        "Job type:         Unbounded   \nOperation:        Dump        \nTime elapsed:     1183         ms\n"
        "Memory processed: 471.996 MiB\nMemory remaining: 552.254 MiB\nMemory total:     1.000 GiB\n"
    )


def test_a_completed_raw_dump() -> None:
    assert printed(3, RAW_COMPLETED) == (
        "Job type:         Completed   \nOperation:        Dump        \nTime elapsed:     66           ms\n"
        "Data processed:   2.641 MiB\nData remaining:   0.000 B\nData total:       1.000 GiB\n"
        "Memory processed: 2.641 MiB\nMemory remaining: 0.000 B\nMemory total:     1.000 GiB\n"
        "Memory bandwidth: 48.701 MiB/s\nDirty rate:       0            pages/s\nPage size:        4096         bytes\n"
        "Iteration:        2           \nPostcopy requests: 0           \nConstant pages:   262140      \n"
        "Normal pages:     100         \nNormal data:      400.000 KiB\nTotal downtime:   64           ms\n"
        "Setup time:       0            ms\n"
    )


def test_no_job() -> None:
    assert list(jobinfo.lines(None)) == ["Job type:         None        "]


def test_the_time_that_remains_is_told_of_bounded_jobs_alone() -> None:
    params = {"operation": 5, "time_elapsed": 1, "time_remaining": 7, "downtime": 3}
    assert "Time remaining:   7            ms\n" in printed(1, params)
    assert "Time remaining" not in printed(2, params)
    assert "Expected downtime: 3            ms\n" in printed(2, params)


def test_what_is_all_zero_is_not_told() -> None:
    assert "Memory" not in printed(2, {"operation": 8, "memory_total": 0, "memory_page_size": 4096})


def test_a_failed_backup_has_its_message() -> None:
    assert printed(4, {"operation": 9, "errmsg": "no space"}).endswith("Error message:    no space\n")


def test_facts_for_people_end_where_their_values_do() -> None:
    found = dict(jobinfo.facts(JobStats.from_params(3, RAW_COMPLETED)))
    assert (found["Operation"], found["Iteration"]) == ("Dump", "2")


def test_without_anystats_virsh_tells_of_a_cancelled_job_that_it_was_one() -> None:
    backup = JobStats.from_params(5, {"operation": 9, "time_elapsed": 108, "disk_total": 1, "errmsg": "cancelled"})
    brief = "Job type:         Cancelled   \nOperation:        Backup      "
    assert "\n".join(jobinfo.lines(backup, completed=True, any_stats=False)) == brief
    assert "Error message:    cancelled" in [*jobinfo.lines(backup, completed=True, any_stats=True)]


def test_without_anystats_virsh_tells_of_a_completed_job_only_if_it_is_asked_for() -> None:
    dump = JobStats.from_params(3, MEMORY_ONLY)
    assert len([*jobinfo.lines(dump, completed=True, any_stats=False)]) > 2
    assert len([*jobinfo.lines(dump, completed=False, any_stats=False)]) == 2


def test_raw_stats_have_libvirts_order() -> None:
    lines = [*jobinfo.raw_lines(JobStats.from_params(3, RAW_COMPLETED | {"success": True, "errmsg": "some words"}))]
    assert lines[:5] == ["Job type: 3", "", "operation: 8", "time_elapsed: 66", "downtime: 64"]
    assert [line.partition(":")[0] for line in lines if line.startswith("memory_")] == [
        *("memory_total", "memory_processed", "memory_remaining", "memory_bps"),
        *("memory_constant", "memory_normal", "memory_normal_bytes"),
        *("memory_dirty_rate", "memory_iteration", "memory_postcopy_requests", "memory_page_size"),
    ]
    assert lines[-2:] == ["success: 1", "errmsg: some words"]


def test_raw_stats_hold_everything_that_is_reported() -> None:
    every = {spec.name: 1 for spec in fields(JobStats)} | {"errmsg": "words"}
    names = {line.partition(":")[0] for line in jobinfo.raw_lines(JobStats.from_params(2, every))}
    assert names - {"Job type", ""} == set(every) - {"type", "disk", "ready", "postcopy", "max_downtime"}


def test_raw_stats_without_a_job() -> None:
    assert [*jobinfo.raw_lines(None)] == ["Job type: 0", ""]


COPY = JobStats.of_block_job("vda", BlockOperation.COPY, 16 << 20, 64 << 20)


def test_a_block_job_has_the_same_layout() -> None:
    assert [*jobinfo.lines(COPY)] == [
        "Job type:         Unbounded   ",
        "Operation:        Block copy  ",
        "Disk:             vda",
        "Ready:            no",
        "File processed:   16.000 MiB",
        "File remaining:   48.000 MiB",
        "File total:       64.000 MiB",
    ]


def test_a_block_job_that_never_becomes_ready_says_nothing_of_it() -> None:
    pull = JobStats.of_block_job("vda", BlockOperation.PULL, 0, 1)
    assert not any(line.startswith("Ready") for line in jobinfo.lines(pull))


def test_raw_stats_of_a_block_job() -> None:
    assert [*jobinfo.raw_lines(COPY)] == [
        *("Job type: 2", "", "operation: 2"),
        *("disk_total: 67108864", "disk_processed: 16777216", "disk_remaining: 50331648", "disk: vda", "ready: 0"),
    ]


def test_no_job_is_none_whatever_is_asked_for() -> None:
    assert [*jobinfo.lines(JobStats(JobType.NONE), any_stats=False)] == [*jobinfo.lines(None)]
