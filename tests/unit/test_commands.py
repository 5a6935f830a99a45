"""The records of commands: what is in them stays, and what nobody knows is not made up."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import JournalError, JournalWarning
from backend.model import DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records import command, commands, process
from backend.records.command import LOST, CommandRecord
from backend.records.commands import Commands
from backend.records.entry import JobEntry, with_outcome
from backend.records.journal import Journal
from backend.records.record import RecordState
from tests.unit.test_record import new as new_dump

DOMAIN = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "we[ir]d [/x] ünïcode")
JOB = JobEntry("j", "sim:///x", DOMAIN.uuid, DOMAIN.name, 7, JobOperation.SAVE, None, 5.0, True, "root@hv3 (run)")


def new(*argv: str, **others: Any) -> CommandRecord:
    return replace(command.new_command(DOMAIN, "sim:///x", argv or ("true",), "/"), **others)


arguments = st.lists(st.binary(max_size=20).map(lambda data: os.fsdecode(data.replace(b"\0", b""))), min_size=1)


@given(arguments, arguments)
def test_any_command_line_comes_back_to_the_letter(argv: list[str], folder: list[str]) -> None:
    record = new(*argv, cwd=folder[0])
    row = commands._to_row(record)
    [stored] = sqlite3.connect(":memory:").execute(f"SELECT {', '.join('?' * len(row))}", row).fetchall()
    assert commands._from_row(stored) == record


def test_the_latest_state_of_a_record_is_kept_with_its_jobs() -> None:
    store = Commands()
    record = new("virsh", "save")
    store.write(record)
    outcome = Outcome(DOMAIN, JobOperation.SAVE, Verdict.COMPLETED, Evidence.LIFECYCLE, "Saved.", bytes=5)
    for result in (-9, 0, 3):
        record = replace(command.ended(record, result), jobs=(JOB, with_outcome(JOB, outcome, 9.0, None)))
        store.write(record)
        assert store.read(record.id) == record
    assert store.history() == [record]
    assert (record.state, record.exit_status, record.result) == (RecordState.FAILED, 3, "exit status 3")
    assert store.pending() == []


def test_a_signal_is_named() -> None:
    assert command.ended(new(), -9).result == "killed by SIGKILL"
    assert command.ended(new(), -63).result == "killed by signal 63"
    assert command.failed(new(), "no such file").result == "no such file"


def test_it_shares_the_journals_file_and_leaves_the_dumps_alone() -> None:
    dump = new_dump()
    Journal().write(dump)
    Commands().write(new())
    assert Journal().history() == [dump]
    assert len(Commands().history()) == 1


def test_commands_are_found_by_domain_and_host() -> None:
    store = Commands()
    first, second = new(), new(uri="sim:///y")
    other = new(uuid="another", domain="other")
    for record in (first, second, other):
        store.write(record)
    assert store.history(DOMAIN.uuid) == store.history(name=DOMAIN.name) == [second, first]
    assert store.history(name=DOMAIN.uuid.upper(), uris=["sim:///x"]) == [first]
    assert store.history(limit=1) == [other]


def test_old_results_make_room_but_nothing_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "KEEP_NEWEST", 2)
    store = Commands()
    running = new()
    store.write(running)
    for _ in range(4):
        record = new()
        store.write(record)
        store.write(command.ended(record, 0))
    assert len(store.history()) == 3
    assert store.pending() == [running]


@pytest.mark.parametrize("column", ["argv", "state", "jobs"])
def test_a_damaged_row_hides_no_other_and_is_told_of(column: str) -> None:
    store = Commands()
    good, bad = new(), new()
    for record in (good, bad):
        store.write(record)
    with sqlite3.connect(Journal().path) as db:
        db.execute(f"UPDATE commands SET {column} = '[{{' WHERE id = ?", (bad.id,))
    db.close()
    with pytest.warns(JournalWarning, match=r"left out what is damaged in .*: 1 commands"):
        assert store.history() == [good]


def test_what_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(JournalError, match="its argv is not valid"):
        Commands().write(new("x" * commands.ARGUMENTS_LIMIT))


def dead(record: CommandRecord) -> CommandRecord:
    """The record with a runner that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return replace(process.running(record), pid=ended.pid)


def test_a_dead_runner_has_lost_the_result_and_proves_nothing_of_the_jobs() -> None:
    record = command.settled(dead(new(jobs=(JOB,), following=True)))
    assert (record.state, record.error, record.following) == (RecordState.LOST, LOST, False)
    assert command.verdict(record.state) is Verdict.UNPROVEN
    assert [(job.verdict, job.evidence) for job in record.jobs] == [(Verdict.UNPROVEN, Evidence.NONE)]


def test_a_dead_runner_takes_nothing_back_that_it_has_written() -> None:
    outcome = Outcome(DOMAIN, JobOperation.SAVE, Verdict.COMPLETED, Evidence.LIFECYCLE, "Saved.")
    over = with_outcome(JOB, outcome, time.time(), None)
    record = replace(command.ended(dead(new()), 0), jobs=(over, replace(JOB, id="k")), following=True)
    settled = command.settled(record)
    assert (settled.state, settled.exit_status) == (RecordState.COMPLETED, 0)
    assert [job.verdict for job in settled.jobs] == [Verdict.COMPLETED, Verdict.UNPROVEN]


def test_a_living_runner_is_believed() -> None:
    record = process.running(new(jobs=(JOB,), following=True))
    assert command.settled(record) == record


def test_a_command_that_outlives_its_runner_is_known_by_its_start() -> None:
    me = os.getpid()
    assert command.still_runs(new(command_pid=me, command_start=process.process_start(me)))
    assert not command.still_runs(new(command_pid=me, command_start="another boot:1"))
    assert not command.still_runs(new())


def test_changes_are_noticed_by_who_watches_the_folder(state_home: Path) -> None:
    store = Commands()
    store.folder.mkdir(parents=True)
    store.write(new())
    assert (store.folder / commands.CHANGED).exists()
