"""Nothing that comes from outside makes anything worse happen than a typed error: records, journals, files, URIs."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import tempfile
import warnings
from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.base import Backend
from backend.errors import InvalidURI, JournalError, JournalWarning, NotSupported, OperationFailed
from backend.events import JobBegan
from backend.files.inspect import inspect
from backend.model import DomainKey
from backend.observing import lookup
from backend.records import codec, process
from backend.records.codec import InvalidRecord
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.uri import open_backend
from backend.verdicts.job_sources import merge_sources
from backend.verdicts.recorded import recorded_outcome
from tests.fuzz.mutants import fuzzed, spoiled, spoiled_text
from tests.unit.test_dumpfile import WHOLE, write_anew
from tests.unit.test_record import new
from tui.cli import history_json, history_rows, tables

ACTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
COLUMNS = [spec.name for spec in fields(JobRecord)]

valid_records = [
    new(id="0" * 32, started=1.0, user="root@hv3"),
    new(
        id="1" * 32,
        started=1.0,
        user="root@hv3",
        state=RecordState.FAILED,
        ended=2.0,
        error="No space left on device",
        code=9,
        pid=7,
        pid_start="boot:1",
    ),
    new(
        id="2" * 32,
        started=1.0,
        user="root@hv3",
        state=RecordState.COMPLETED,
        ended=2.0,
        bytes=1 << 40,
        domain_id=None,
        uri="qemu+ssh://a:b@c/system",
    ),
]
attributes = st.dictionaries(
    st.sampled_from(COLUMNS) | st.from_regex(r"[A-Za-z_]{1,8}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from([*RecordState, "9" * 5000, "1e999", "nan", "-0", "\u0966", "0x10", "1_000"]),
)


def shown_everywhere(record: JobRecord) -> None:
    """All that is ever done with a record that was read."""
    assert codec.from_values(asdict(record)) == record
    assert json.loads(json.dumps(codec.to_json(record, process.current_state(record))))["id"] == record.id
    [job] = merge_sources([(record, process.current_state(record))])
    assert len(history_rows.full_row(job)) == len(history_rows.FULL_HEADINGS)
    assert len(history_rows.row(job, 80)) == len(history_rows.HEADINGS)
    assert json.loads(json.dumps(history_json.to_json(job)))["id"] == record.id
    assert process.runner_alive(record) in (True, False, None)
    assert not lookup.is_about(lookup.DomainRecord(record, shared=True), record.key, None) or not record.over
    for shared in (False, True):
        assert lookup.no_job(record.key, [lookup.DomainRecord(record, shared)])
        outcome = recorded_outcome(record, shared)
        assert outcome is None or outcome.detail


@fuzzed
@given(spoiled_text([codec.to_xml(record) for record in valid_records]))
def test_a_spoiled_record_is_one_or_is_refused(text: str) -> None:
    try:
        record = codec.from_xml(text)
    except InvalidRecord:
        return
    shown_everywhere(record)
    assert not any(ACTIVE.search(value) for value in asdict(record).values() if isinstance(value, str))


@fuzzed
@given(attributes)
def test_a_record_of_any_attributes_is_one_or_is_refused(made_up: dict[str, str]) -> None:
    values = {name: str(value) for name, value in asdict(new()).items() if value is not None} | made_up
    try:
        record = codec.from_values(values)
    except InvalidRecord:
        return
    shown_everywhere(record)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
json_values = st.recursive(
    plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)


@fuzzed
@given(st.dictionaries(st.sampled_from(COLUMNS), json_values))
def test_a_record_of_any_values_of_json_is_one_or_is_refused(made_up: dict[str, object]) -> None:
    values = asdict(new()) | made_up
    try:
        record = codec.from_values(values)
    except InvalidRecord:
        return
    shown_everywhere(record)


@fuzzed
@given(
    spoiled_text(['{"result":{"status":"completed","total":1}}', '{"result":{"status":"failed"},"error":"no \\u202e"}'])
    | json_values.map(json.dumps)
    | st.builds(lambda result, error: json.dumps({"result": result, "error": error}), json_values, json_values)
)
def test_any_word_of_qemus_is_understood_or_proves_nothing(text: str) -> None:
    monitor = pytest.importorskip("backend.libvirt.connection.monitor")
    completed, error = monitor.dump_result(text)
    assert isinstance(completed, bool)
    assert not ACTIVE.search(error)


@fuzzed
@given(
    st.sampled_from(["MIGRATION", "JOB_STATUS_CHANGE"]),
    spoiled_text(['{"status":"setup"}', '{"id":"copy-vda-libvirt-1-format","status":"created"}'])
    | json_values.map(json.dumps)
    | st.builds(lambda status, job: json.dumps({"status": status, "id": job}), json_values, json_values),
)
def test_any_word_of_qemus_on_a_begin_is_understood_or_ignored(name: str, text: str) -> None:
    monitor = pytest.importorskip("backend.libvirt.connection.monitor")
    vm = DomainKey("u", 1, "vm")
    assert monitor.event(vm, name, text) in (None, JobBegan(vm, block=True), JobBegan(vm, block=False))


sql_values = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.binary(max_size=30)
)


@fuzzed
@given(st.dictionaries(st.sampled_from(COLUMNS[1:]), sql_values, min_size=1))
def test_a_row_of_anything_hides_no_other(made_up: dict[str, object]) -> None:
    journal, good, spoiled = Journal(), new(), new()
    journal.write(good)
    journal.write(spoiled)
    with closing(sqlite3.connect(journal.path)) as db, db:
        names = ", ".join(f"{name} = ?" for name in made_up)
        db.execute(f"UPDATE records SET {names} WHERE id = ?", [*made_up.values(), spoiled.id])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JournalWarning)
        found = journal.history(limit=100_000)
        journal.pending()
    assert good in found
    for record in found:
        shown_everywhere(record)
    with closing(sqlite3.connect(journal.path)) as db, db:
        db.execute("DELETE FROM records")


def whole_journal() -> bytes:
    """A journal with records in it, as its file is when nobody has it open."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.db")
        for record in valid_records:
            journal.write(record)
        with closing(sqlite3.connect(journal.path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return journal.path.read_bytes()


@fuzzed
@given(spoiled([whole_journal()]))
def test_a_spoiled_journal_is_read_kept_aside_or_refused(tmp_path: Path, content: bytes) -> None:
    for old in tmp_path.glob("journal*"):
        old.unlink()
    journal, record = Journal(tmp_path / "journal.db"), new()
    journal.path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JournalWarning)
        try:
            journal.write(record)
            # Spoiled names and indexes may hide what is there, which SQLite does not notice; they make up nothing.
            assert journal.read(record.id) in (record, None)
            for found in (*journal.history(), *journal.pending(record.uuid)):
                shown_everywhere(found)
        except JournalError as error:
            assert "\n" not in str(error)
            return
    for aside in tmp_path.glob("journal.db.damaged-*[0-9]"):
        assert len(aside.read_bytes()) >= len(content)


@pytest.mark.parametrize("kind", WHOLE)
@fuzzed
@given(data=st.data())
def test_a_spoiled_dump_gets_an_answer(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "dump"
    write_anew(path, data.draw(spoiled([WHOLE[kind][0]()])))
    if huge := data.draw(st.sampled_from([0, 0, 2**33, 2**43])):
        os.truncate(path, huge)  # Sparse: it weighs nothing, and claims anything.
    try:
        found = inspect(path)
    except OperationFailed as error:
        assert "\n" not in str(error)
        return
    assert found.whole in (True, False, None)
    assert tables.dump_file_lines(found)
    assert json.dumps(asdict(found))


uris = spoiled_text(
    ["sim:///demo?domains=5&jobs=2&latency=10&fail=hang", "qemu+ssh://root@hv7:22/system?no_tty=1", "test:///default"]
) | st.builds(
    "{}://{}/{}?{}".format,
    st.sampled_from(["sim", "SIM", "qemu", "qemu+tls", "example", "", "1"]),
    st.text(max_size=8),
    st.text(max_size=12),
    st.text(max_size=20),
)


@fuzzed
@given(uris | st.text())
def test_any_uri_is_a_backend_or_is_refused_in_one_line(uri: str) -> None:
    try:
        backend = open_backend(uri)
    except (InvalidURI, NotSupported) as error:
        assert not ACTIVE.search(str(error)), str(error)
        return
    assert isinstance(backend, Backend)
