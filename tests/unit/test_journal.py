"""The journal: what is in it stays, whatever becomes of its file."""

from __future__ import annotations

import os
import pwd
import re
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import pytest

from backend.errors import JournalError, JournalWarning
from backend.records import database, process
from backend.records import journal as journals
from backend.records.journal import SCHEMA, Journal
from backend.records.record import JobRecord, RecordState
from backend.text import clean
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


def test_the_journal_lists_the_latest_request_first_whatever_the_clock_said() -> None:
    journal = Journal()
    first, second, third = records = [new(started=started) for started in (10.0, 30.0, 20.0)]
    for record in records:
        journal.write(record)
    first = process.finished(first, RecordState.COMPLETED)
    journal.write(first)
    assert journal.history() == [third, second, first]
    assert journal.history(limit=1) == journal.history(third.uuid, limit=1) == [third]


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
    [aside] = journal.path.parent.glob("journal-*.db.damaged-2*[0-9]")
    assert str(aside) in str(told[0].message)
    assert aside.read_bytes() == spoiled


def test_two_that_are_damaged_in_one_second_are_both_kept() -> None:
    journal = Journal()
    for _ in range(2):
        overwritten(journal.path)
        with pytest.warns(JournalWarning):
            journal.history()
    assert len([path for path in journal.path.parent.glob("journal-*.db.damaged-*")]) == 2


def test_one_that_somebody_else_has_put_aside_meanwhile_is_not_put_aside_again() -> None:
    journal = Journal()
    overwritten(journal.path)
    seen = journal.path.stat().st_ino
    with pytest.warns(JournalWarning):
        journal.write(new())
    journal._file.put_aside(seen)
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
    monkeypatch.setattr(database, "PATIENCE", 0.1)
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


def keep(journal: Journal, *records: JobRecord) -> None:
    """Many at once."""
    journal.count()
    columns = [spec.name for spec in fields(JobRecord)]
    with closing(sqlite3.connect(journal.path)) as db, db:
        command = f"INSERT INTO records ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        db.executemany(command, [[getattr(record, name) for name in columns] for record in records])


def test_a_new_record_takes_the_place_of_what_is_both_old_and_beyond_the_newest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journals, "KEEP_NEWEST", 3)
    journal, now = Journal(), time.time()
    long_ago = now - (journals.KEEP_DAYS + 1) * 86400
    results = [RecordState.COMPLETED, RecordState.FAILED, RecordState.CANCELLED]
    old = [new(started=long_ago + number, ended=long_ago + number, state=state) for number, state in enumerate(results)]
    recent = new(started=long_ago - 9, ended=now - 60, state=RecordState.COMPLETED)
    keep(journal, recent, *old)
    journal.write(latest := new())
    assert journal.history() == [latest, *reversed(old[1:]), recent]
    journal.write(process.running(latest))
    assert journal.count() == 4


@pytest.mark.parametrize("state", [RecordState.STARTING, RecordState.RUNNING, RecordState.LOST])
def test_what_has_no_result_is_kept_however_old_it_is(state: RecordState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "KEEP_NEWEST", 1)
    journal = Journal()
    journal.write(without := new(started=1.0, ended=2.0 if state is RecordState.LOST else None, state=state))
    journal.write(new())
    assert without in journal.history()


def test_a_clock_that_is_years_ahead_costs_none_of_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    journal, now = Journal(), time.time()
    keep(journal, *(new(started=now, ended=now, state=RecordState.COMPLETED) for _ in range(journals.KEEP_NEWEST - 1)))
    journal.write(new(started=now + 1e9))
    assert journal.count() == journals.KEEP_NEWEST


def test_the_history_of_a_domain_is_not_cut_by_that_of_others() -> None:
    journal = Journal()
    wanted = new(started=1.0, domain="wanted")
    keep(journal, wanted, *(new(started=10.0 + number, uuid="other", domain="other") for number in range(1100)))
    for name in ("wanted", wanted.uuid, wanted.uuid.upper()):
        assert journal.history(name=name) == [wanted]
    assert journal.history(wanted.uuid) == [wanted]
    assert len(journal.history(name="other")) == 1000
    assert journal.names() == ["other", "wanted"]
    assert journal.count() == 1101


def test_the_history_of_a_connection_is_not_cut_by_that_of_others() -> None:
    journal = Journal()
    wanted = new(started=1.0, uri="qemu:///a")
    keep(journal, wanted, *(new(started=10.0 + number, uri="qemu:///b") for number in range(1100)))
    assert journal.history(uris=["qemu:///a", "qemu:///c"]) == [wanted]
    assert journal.history(name=wanted.domain, uris=["qemu:///c"]) == []


def test_a_renamed_domain_is_found_by_both_names() -> None:
    journal = Journal()
    journal.write(before := new(started=1.0, domain="before"))
    journal.write(after := new(started=2.0, domain="after"))
    journal.write(new(started=3.0, uuid="another", domain="another"))
    assert journal.history(name="before") == journal.history(name="after") == [after, before]


def test_a_name_is_found_as_it_is_shown_and_as_it_is() -> None:
    journal = Journal()
    journal.write(record := new(domain=clean("a\x1bb")))
    assert journal.history(name="a\x1bb") == journal.history(name=record.domain) == [record]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT * FROM records WHERE state IN ('starting', 'running') ORDER BY rowid DESC", "by_end"),
        ("SELECT uuid FROM records WHERE domain IN ('a', 'b')", "by_name"),
        ("DELETE FROM records WHERE state IN ('completed', 'failed') AND ended < 1", "by_end"),
    ],
)
def test_old_records_slow_no_query_down(query: str, index: str) -> None:
    journal = Journal()
    journal.count()
    with closing(sqlite3.connect(journal.path)) as db:
        assert index in " ".join(row[-1] for row in db.execute(f"EXPLAIN QUERY PLAN {query}"))


@pytest.mark.parametrize("local", [True, False])
def test_a_write_ahead_log_is_only_for_a_file_system_of_this_machine(
    local: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mode() -> str:
        with closing(sqlite3.connect(journal.path)) as db:
            return str(db.execute("PRAGMA journal_mode").fetchone()[0])

    monkeypatch.setattr(database, "is_local", lambda folder: local)
    journal = Journal()
    journal.write(record := new())
    assert mode() == ("wal" if local else "delete")
    # A home that has moved to another file system.
    monkeypatch.setattr(database, "is_local", lambda folder: not local)
    assert journal.history() == [record]
    assert mode() == ("delete" if local else "wal")


def test_a_journal_that_is_in_use_changes_its_mode_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    monkeypatch.setattr(database, "is_local", lambda folder: True)
    journal = Journal()
    journal.write(record := new())
    monkeypatch.setattr(database, "is_local", lambda folder: False)
    with closing(sqlite3.connect(journal.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert journal.history() == [record]
    assert journal.history() == [record]
