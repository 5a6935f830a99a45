"""The records of a domain's dumps, from this user's journal and from the domain's metadata."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend.model import DomainKey, DumpRequest
from backend.observing.lookup import DomainRecord, find_records
from backend.records import process
from backend.records.journal import Journal
from backend.records.record import JobRecord
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
