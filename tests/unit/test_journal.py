"""The journal: what is in it stays, whatever becomes of its file."""

from __future__ import annotations

import os
import pwd
import re
import sqlite3
import stat
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from backend.errors import JournalError
from backend.records import journal as journals
from backend.records import process
from backend.records.journal import SCHEMA, Journal, JournalWarning
from backend.records.record import JobRecord, RecordState
from tests.hypervisor.disk import small_disk
from tests.unit.test_record import REQUEST, new


def test_the_journal_keeps_the_latest_state_of_a_record() -> None:
    journal = Journal()
    record = new()
    journal.write(record)
    journal.write(process.finished(record, RecordState.FAILED, "no space", 9))
    found = journal.read(record.id)
    assert found is not None
    assert (found.state, found.error, found.code) == (RecordState.FAILED, "no space", 9)


def test_the_journal_lists_the_newest_first() -> None:
    journal = Journal()
    for started in (10.0, 30.0, 20.0):
        journal.write(new(started=started))
    assert [record.started for record in journal.history()] == [30.0, 20.0, 10.0]


def test_pending_leaves_out_what_has_a_result() -> None:
    journal = Journal()
    pending = new()
    journal.write(pending)
    journal.write(new(state=RecordState.COMPLETED, ended=1.0))
    assert journal.pending(REQUEST.domain.uuid) == [pending]
    assert journal.pending("another") == []


def test_a_path_is_kept_to_the_letter() -> None:
    journal = Journal()
    record = new(path="/dumps/with\ttab")
    journal.write(record)
    assert journal.read(record.id) == record


def test_only_its_user_can_read_the_journal(state_home: Path) -> None:
    journal = Journal()
    journal.write(new())
    assert stat.S_IMODE(os.stat(journal.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(journal.path.parent).st_mode) == 0o700


def test_what_was_readable_by_others_is_not_any_more(state_home: Path) -> None:
    journal = Journal()
    journal.write(new())
    journal.path.chmod(0o644)
    journal.path.parent.chmod(0o755)
    Journal().history()
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_bytes(b"somebody's")
    path.symlink_to(elsewhere)


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_newer_one(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.close()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (a_folder, "it is no regular file; move it away"),
        (a_fifo, "it is no regular file; move it away"),
        (a_link, "it is a symbolic link; put the file itself there"),
        (a_newer_one, f"it was written by a newer virt-jobs (schema {SCHEMA + 1}, this one knows {SCHEMA}); use that"),
    ],
)
def test_what_is_no_journal_of_ours_is_refused_and_left_alone(make: Callable[[Path], None], why: str) -> None:
    journal = Journal()
    make(journal.path)
    before = sorted(path.name for path in journal.path.parent.iterdir())
    for use in (journal.history, journal.pending, lambda: journal.write(new())):
        with pytest.raises(JournalError, match=re.escape(why)) as caught:
            use()
        assert "\n" not in str(caught.value)
    assert sorted(path.name for path in journal.path.parent.iterdir()) == before


def overwritten(path: Path) -> None:
    path.write_bytes(b"this is no database, and long enough to be looked at as one" * 20)


def torn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xaa" * (len(content) - 4096))


def schema_that_is_no_text(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE records", b"CREATE T\x80BLE records"))


def torn_name(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"tablerecordsrecords", b"table\xffecords\xffecords"))


@pytest.mark.parametrize("spoil", [overwritten, torn, schema_that_is_no_text, torn_name])
def test_a_damaged_journal_is_kept_aside_and_a_new_one_begun(spoil: Callable[[Path], None]) -> None:
    journal = Journal()
    journal.write(new())
    with sqlite3.connect(journal.path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    spoil(journal.path)
    spoiled = journal.path.read_bytes()
    fresh = new()
    with pytest.warns(JournalWarning, match="was damaged: it is kept as .*, and a new one is begun") as told:
        journal.write(fresh)
    assert len(told) == 1
    assert journal.history() == [fresh]
    [aside] = journal.path.parent.glob("journal.db.damaged-2*[0-9]")
    assert str(aside) in str(told[0].message)
    assert aside.read_bytes() == spoiled


def test_two_that_are_damaged_in_one_second_are_both_kept() -> None:
    journal = Journal()
    for _ in range(2):
        overwritten(journal.path)
        with pytest.warns(JournalWarning):
            journal.history()
    assert len([path for path in journal.path.parent.glob("journal.db.damaged-*")]) == 2


def test_one_that_somebody_else_has_put_aside_meanwhile_is_not_put_aside_again() -> None:
    journal = Journal()
    overwritten(journal.path)
    seen = journal.path.stat().st_ino
    with pytest.warns(JournalWarning):
        journal.write(new())
    journal._put_aside(seen)
    assert len(journal.history()) == 1


@pytest.mark.parametrize("column", ["uuid", "format", "started", "state", "user"])
def test_a_damaged_row_hides_no_other_and_is_told_of(column: str) -> None:
    journal = Journal()
    good, bad = new(), new()
    journal.write(good)
    journal.write(bad)
    with sqlite3.connect(journal.path) as db:
        db.execute(f"UPDATE records SET {column} = NULL WHERE id = ?", (bad.id,))
    db.close()
    with pytest.warns(JournalWarning, match=r"left out what is damaged in .*: 1 record"):
        assert journal.history() == [good]


def test_what_could_not_be_read_again_is_not_written() -> None:
    journal = Journal()
    with pytest.raises(JournalError, match="its path is not valid"):
        journal.write(new(path="/" + "x" * 5000))
    assert journal.history() == []


def test_one_of_an_older_version_is_brought_up_to_date() -> None:
    journal, record = Journal(), new()
    later = ("machine", "namespace", "started_uptime", "ended_uptime")
    record = replace(record, machine="", namespace=0, started_uptime=None)
    columns = [spec.name for spec in fields(JobRecord) if spec.name not in later]
    with sqlite3.connect(journal.path) as db:
        db.execute(f"CREATE TABLE records ({', '.join(columns)}, PRIMARY KEY (id))")
        db.execute("PRAGMA user_version = 1")
        marks = ", ".join("?" * len(columns))
        db.execute(f"INSERT INTO records VALUES ({marks})", [getattr(record, name) for name in columns])
    db.close()
    assert journal.history() == [record]
    with sqlite3.connect(journal.path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        [plan] = db.execute("EXPLAIN QUERY PLAN SELECT id FROM records WHERE uuid = 'a' ORDER BY started DESC")
        assert "by_domain" in plan[-1]
    db.close()


def test_one_that_another_process_holds_is_waited_for_and_then_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal()
    journal.write(new())
    monkeypatch.setattr(journals, "PATIENCE", 0.1)
    other = sqlite3.connect(journal.path)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(JournalError, match=r"another process has held its lock for 0.1 s; try again later"):
            journal.write(new())
        assert len(journal.history()) == 1
    finally:
        other.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_a_full_disk_is_told_and_what_was_there_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as folder:
        journal = Journal(folder / "journal.db")
        first = new()
        journal.write(first)
        with (folder / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
            while True:
                filler.write(bytes(4096))
        with pytest.raises(JournalError, match=r"its disk is full .*; make room there"):
            for _ in range(100):
                journal.write(new(error="x" * 4000))
        (folder / "filler").unlink()
        assert first in journal.history()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_the_folder_of_somebody_else_is_refused(state_home: Path) -> None:
    folder = state_home / "virt-jobs"
    folder.mkdir(parents=True)
    os.chown(folder, 65534, 65534)
    with pytest.raises(JournalError, match=r"it belongs to another user \(uid 65534\); set XDG_STATE_HOME"):
        Journal()


def test_without_any_home_the_state_folder_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    with pytest.raises(JournalError, match="no home folder to keep state in; set XDG_STATE_HOME"):
        Journal()
