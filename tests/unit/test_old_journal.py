"""The journal of earlier versions, which all machines share: nothing in it is lost, and nothing done to it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from backend.errors import JournalWarning
from backend.records import journal as journals
from backend.records import old_journal
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from tests.unit.test_record import new


class OldVersion:
    """Uses the journal as earlier versions did."""

    def __init__(self, path: Path, missing: Sequence[str] = ()) -> None:
        self.path = path
        self._missing = missing
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(self, *records: JobRecord) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute("PRAGMA journal_mode = WAL")
            values = [[value for key, value in asdict(it).items() if key not in self._missing] for it in records]
            columns = [key for key in asdict(records[0]) if key not in self._missing]
            db.execute(f"CREATE TABLE IF NOT EXISTS records ({', '.join(columns)}, PRIMARY KEY (id))")
            db.executemany(f"INSERT OR REPLACE INTO records VALUES ({', '.join('?' * len(columns))})", values)
            db.execute("PRAGMA user_version = 2")

    def age(self) -> None:
        """Have it written long ago."""
        os.utime(self.path, (1, 1))


@pytest.fixture
def old(state_home: Path) -> OldVersion:
    return OldVersion(state_home / "virt-jobs" / "journal.db")


def test_its_records_are_there_and_it_is_left_alone(old: OldVersion) -> None:
    records = [new(started=2.0, state=RecordState.COMPLETED, ended=3.0), new(started=1.0)]
    old.write(*records)
    before = old.path.read_bytes()
    assert Journal().history() == records
    assert old.path.read_bytes() == before


def test_its_records_are_taken_over_once(old: OldVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    old.write(record := new())
    old.age()
    assert Journal().history() == [record]

    def fail(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(old_journal, "_read", fail)
    assert Journal().history() == [record]


def test_what_an_old_runner_still_writes_is_seen(old: OldVersion) -> None:
    old.write(record := new())
    journal = Journal()
    assert journal.pending() == [record]
    old.age()
    assert journal.pending() == [record]
    over = replace(record, state=RecordState.COMPLETED, ended=3.0)
    old.write(over)
    assert journal.read(record.id) == over
    old.write(later := new())
    assert journal.read(later.id) == later


def test_it_is_read_with_a_writer_at_work(old: OldVersion) -> None:
    old.write(record := new())
    with closing(sqlite3.connect(old.path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE records SET state = 'failed'")
        assert Journal().read(record.id) == record
        writer.commit()
        assert (after := Journal().read(record.id)) is not None and after.state is RecordState.FAILED


@pytest.mark.parametrize(
    ("own", "theirs", "kept"),
    [
        ("running", "starting", "running"),
        ("completed", "running", "completed"),
        ("completed", "lost", "completed"),
        ("completed", "failed", "completed"),
        ("lost", "running", "lost"),
        ("starting", "running", "running"),
        ("running", "lost", "lost"),
        ("lost", "completed", "completed"),
        ("running", "cancelled", "cancelled"),
    ],
)
def test_only_what_says_more_replaces_a_record(own: str, theirs: str, kept: str, old: OldVersion) -> None:
    journal, record = Journal(), new()
    journal.write(replace(record, state=RecordState(own)))
    old.write(replace(record, state=RecordState(theirs)))
    assert (now := journal.read(record.id)) is not None and now.state == kept


def test_columns_that_it_does_not_have_are_left_out(state_home: Path) -> None:
    old = OldVersion(state_home / "virt-jobs" / "journal.db", ["bytes", "operation"])
    old.write(record := new())
    assert Journal().history() == [record]


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_one_is_told_of_once_and_left_there(content: bytes, old: OldVersion) -> None:
    old.path.write_bytes(content)
    with pytest.warns(JournalWarning, match=r"journal\.db of an earlier version is damaged; it is left there"):
        Journal().write(record := new())
    assert Journal().history() == [record]
    assert old.path.read_bytes() == content


def test_one_without_a_table_has_nothing(old: OldVersion) -> None:
    sqlite3.connect(old.path).close()
    with closing(sqlite3.connect(old.path)) as db:
        db.execute("PRAGMA user_version = 2")
    assert Journal().history() == []


def test_a_link_in_its_place_is_not_followed(old: OldVersion, tmp_path: Path) -> None:
    elsewhere = OldVersion(tmp_path / "elsewhere" / "x.db")
    elsewhere.write(new())
    old.path.symlink_to(elsewhere.path)
    assert Journal().history() == []


@pytest.mark.process
def test_processes_that_take_it_over_at_the_same_time_agree(old: OldVersion) -> None:
    old.write(*(new(started=float(number)) for number in range(300)))
    count = "from backend.records.journal import Journal; j = Journal(); print(len(j.history()), j.count())"
    running = [subprocess.Popen([sys.executable, "-c", count], stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [process.communicate(timeout=60)[0].split() for process in running] == [["300", "300"]] * 6


def test_each_machine_has_a_journal_of_its_own_and_puts_no_other_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "machine_id", lambda: "a" * 32)
    ours = Journal()
    monkeypatch.setattr(journals, "machine_id", lambda: "b" * 32)
    theirs = Journal()
    theirs.write(record := new())
    ours.path.write_bytes(b"no database" * 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JournalWarning)
        assert ours.history() == []
    assert theirs.history() == [record]


def test_a_machine_without_an_id_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "machine_id", lambda: None)
    monkeypatch.setattr(journals.socket, "gethostname", lambda: "../hv 1.example")
    assert Journal().path.name == "journal-.._hv_1.example.db"
