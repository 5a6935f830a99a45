"""Which remembered jobs are shown, and in what order."""

from __future__ import annotations

from typing import Any

import pytest

from backend.model import JobOperation
from backend.outcome import Verdict
from backend.records.entry import JobEntry
from backend.verdicts.job_sources import Source, SourcedJob, merge_sources
from tests.unit.test_history import ended, entry
from tui.session.past_jobs import PastJobs
from tui.widgets.job_columns import COLUMNS, JobColumn, fitting
from tui.words.remembered import describe, line

BY_ID = {column.id: column for column in COLUMNS}


def seen(name: str, began: float, verdict: Verdict | None = Verdict.COMPLETED, **values: Any) -> JobEntry:
    made = entry(began, uuid=f"uuid of {name}", domain=name, **values)
    return made if verdict is None else ended(made, verdict)


def shown(*entries: JobEntry) -> PastJobs:
    jobs = PastJobs({"qemu:///system": "hv1"}.get)  # type: ignore[arg-type]
    jobs.change(merge_sources([], sorted(entries, key=lambda job: -job.began)))
    return jobs


def names(jobs: PastJobs) -> list[str]:
    return [job.entry.domain for job in jobs.shown]


def by(jobs: PastJobs, column: str, descending: bool | None = None) -> list[str]:
    made: JobColumn = BY_ID[column]
    jobs.sort_by(made.value, made.descending if descending is None else descending)
    return names(jobs)


def test_the_newest_is_first_and_each_column_sorts() -> None:
    jobs = shown(
        seen("vm-10", 1000.0, Verdict.FAILED, requester="root@hv3"),
        seen("vm-9", 2000.0, operation=JobOperation.BACKUP, path="/backups/vm-9"),
        seen("vm-2", 3000.0, None),
    )
    assert names(jobs) == ["vm-2", "vm-9", "vm-10"]
    assert by(jobs, "began", descending=False) == ["vm-10", "vm-9", "vm-2"]
    assert by(jobs, "domain") == ["vm-2", "vm-9", "vm-10"], "as people count"
    assert by(jobs, "job") == ["vm-9", "vm-2", "vm-10"], "of jobs that are alike, the newest is first"
    assert by(jobs, "result") == ["vm-9", "vm-10", "vm-2"]
    assert by(jobs, "took")[-1] == "vm-2", "what is unknown is last"
    assert by(jobs, "by") == ["vm-10", "vm-2", "vm-9"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["vm-2", "vm-9", "vm-10"]),
        ("failed", ["vm-10"]),
        ("!failed", ["vm-2", "vm-9"]),
        ("HV1 save", ["vm-2", "vm-10"]),
        ("root@hv3", ["vm-10"]),
        ("/backups", ["vm-9"]),
        ("running", ["vm-2"]),
        ("nothing", []),
    ],
)
def test_the_filter_looks_at_all_that_a_line_says(text: str, found: list[str]) -> None:
    jobs = shown(
        seen("vm-10", 1000.0, Verdict.FAILED, requester="root@hv3"),
        seen("vm-9", 2000.0, operation=JobOperation.BACKUP, path="/backups/vm-9"),
        seen("vm-2", 3000.0, None),
    )
    jobs.filter_by(text)
    assert names(jobs) == found


def test_what_becomes_of_a_job_replaces_it() -> None:
    begun = seen("vm-1", 1000.0, None)
    jobs = shown(begun, seen("vm-2", 900.0))
    jobs.filter_by("vm-1")
    [job] = jobs.shown
    jobs.change(merge_sources([], [ended(begun, Verdict.FAILED)]))
    [after] = jobs.shown
    assert (after.word, len(jobs), jobs.index(job), jobs.find(job)) == ("failed", 2, 0, after)
    jobs.filter_by("failed")
    assert names(jobs) == ["vm-1"], "the filter looks at what it is now"


def test_a_job_that_two_sources_know_is_one() -> None:
    own, hosts = seen("vm-1", 1000.0), seen("vm-1", 1000.1)
    jobs = shown(own)
    jobs.change([SourcedJob(((Source.HOST, hosts),), hosts)])
    assert len(jobs) == 2
    jobs.change(merge_sources([], [own], [hosts]))
    assert len(jobs) == 1
    assert jobs.shown[0].sources == (Source.OBSERVATION, Source.HOST)


@pytest.mark.parametrize("cells", [20, 60, 76, 96, 116, 156])
@pytest.mark.parametrize("several", [True, False])
def test_the_columns_fit_and_what_matters_stays(cells: int, several: bool) -> None:
    layout = fitting(cells, {"domain": 30, "host": 20, "by": 10}, several)
    ids = [column.id for column, _ in layout]
    total = sum(width + 1 for _, width in layout) - 1
    assert total <= max(cells, 60)
    if cells >= 60:
        assert {"began", "domain", "job", "result"} <= set(ids)
    assert ("host" in ids) <= several
    if cells >= 156:
        assert ids == [column.id for column in COLUMNS if several or column.id != "host"]


def test_a_line_says_everything_in_one_line() -> None:
    [job] = merge_sources([], [seen("vm-1", 1000.0, Verdict.FAILED, requester="root@hv3", path="/dumps/a\nb")])
    text = line(job, "hv1")
    assert "hv1 vm-1 save failed in 0:05 by root@hv3 → /dumps/a" in text
    assert text.endswith(": As it was seen.")
    assert "\n" not in text


def test_of_a_job_that_nobody_watches_it_says_who_stopped_and_not_that_it_runs() -> None:
    began = seen("vm-1", 1000.0, None)
    [watched] = merge_sources([], [began])
    [left] = merge_sources([], [began], is_watched=lambda entry: False)
    assert describe(watched).account().detail == "It is running, as far as anyone here knows."
    why = "root@hv1 (watch) stopped watching it while it was running."
    assert describe(left).details == why
    assert describe(left).account().detail == f"{why} It may be running, or be over."


def test_the_facts_name_every_source() -> None:
    [job] = merge_sources([], [seen("vm-1", 1000.0)], [seen("vm-1", 1000.1, Verdict.UNPROVEN)])
    facts = dict(describe(job).facts("hv1"))
    assert facts["your virt-jobs"].startswith("completed (lifecycle event) · root@hv1 (watch)")
    assert facts["the host's witness"].startswith("unproven")
    assert facts["requested by"] == "unknown"
    assert facts["host"] == "hv1 (qemu:///system)"
