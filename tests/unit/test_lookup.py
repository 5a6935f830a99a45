"""The records of a domain's dumps, from this user's journal and from the domain's metadata."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.job_stats import JobStats, JobType
from backend.model import DomainKey, JobOperation
from backend.observing import lookup
from backend.observing.lookup import DomainRecord, find_records
from backend.records import process
from backend.records.journal import Journal
from backend.records.machine import boottime
from backend.records.record import JobRecord, RecordState
from backend.simulator import SimulatorBackend

DOMAIN = DomainKey("11111111-2222-3333-4444-555555555555", 7, "vm")


class Sharing(SimulatorBackend):
    """Every domain has this record in its metadata."""

    def __init__(self, shared: JobRecord) -> None:
        super().__init__("sim:///sharing")
        self._shared = shared

    async def record(self, domain: DomainKey) -> JobRecord | None:
        return self._shared


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.db")


@pytest.fixture
def record() -> JobRecord:
    return process.new_record(DumpRequest(DOMAIN, "/dumps/vm.core"), "sim:///sharing")


async def test_a_shared_record_is_one_of_the_domains_and_marked(journal: Journal, record: JobRecord) -> None:
    assert await find_records(Sharing(record), DOMAIN, journal) == [DomainRecord(record, True)]


async def test_a_shared_record_that_is_in_the_journal_too_is_ones_own(journal: Journal, record: JobRecord) -> None:
    journal.write(record)
    assert await find_records(Sharing(record), DOMAIN, journal) == [DomainRecord(record, False)]


async def test_a_shared_record_of_another_domain_is_left_out(journal: Journal, record: JobRecord) -> None:
    elsewhere = replace(record, uuid="99999999-2222-3333-4444-555555555555")
    assert await find_records(Sharing(elsewhere), DOMAIN, journal) == []


async def test_only_so_many_of_the_journal_are_read(journal: Journal, record: JobRecord) -> None:
    for number in range(3):
        journal.write(replace(record, id=f"{record.id}-{number}", started=record.started + number))
    found = await find_records(Sharing(record), DOMAIN, journal, limit=2)
    assert [item.record.started - record.started for item in found if not item.shared] == [2, 1]


SOON = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, time_elapsed=3000)


@pytest.mark.parametrize("step", [0.0, 2.5, -2.5, 3600.0, -3600.0])
@pytest.mark.parametrize("steady", [True, False], ids=["elapsed by a steady clock", "elapsed by the wall clock"])
def test_a_clock_that_is_set_does_not_make_ones_own_dump_someone_elses(
    record: JobRecord, monkeypatch: pytest.MonkeyPatch, step: float, steady: bool
) -> None:
    elapsed = 3.0 if steady else max(0.0, 3.0 + step)
    now, uptime = record.started + 3.0 + step, boottime() + 3.0
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(lookup, "boottime", lambda: uptime)
    stats = replace(SOON, time_elapsed=int(elapsed * 1000))
    assert lookup.is_about(DomainRecord(process.running(record), shared=False), DOMAIN, stats)


@pytest.mark.parametrize("step", [0.0, 2.5, 3600.0])
def test_a_dump_that_began_before_the_request_is_someone_elses(
    record: JobRecord, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    now, uptime = record.started + 3.0 + step, boottime() + 3.0
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(lookup, "boottime", lambda: uptime)
    stats = replace(SOON, time_elapsed=int((9.0 + step) * 1000))
    assert not lookup.is_about(DomainRecord(process.running(record), shared=False), DOMAIN, stats)


async def test_the_last_dump_is_the_last_one_even_if_the_clock_was_set_back(
    journal: Journal, record: JobRecord
) -> None:
    earlier = process.finished(record, RecordState.COMPLETED)
    assert record.started_uptime is not None
    later = replace(earlier, id="later", started=record.started - 60, started_uptime=record.started_uptime + 1)
    for each in (earlier, later):
        journal.write(each)
    records = await find_records(Sharing(earlier), DOMAIN, journal)
    assert [item.record.id for item in records] == ["later", record.id]


@pytest.mark.parametrize("shared", [False, True])
async def test_only_ones_own_runner_may_wait_for_its_turn_for_ever(record: JobRecord, shared: bool) -> None:
    assert record.started_uptime is not None
    earlier = replace(record, started=record.started - 600, started_uptime=record.started_uptime - 600)
    assert lookup.is_about(DomainRecord(process.running(earlier), shared), DOMAIN, SOON) is not shared
