"""The queue in the journal: what is kept of dumps that have not begun, and whose they are."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import JournalError, JournalWarning, NotInQueue
from backend.records import process, queued_dump
from backend.records.dump_queue import DumpQueue
from backend.records.journal import KEEP_DAYS, Journal
from backend.records.queued_dump import QueuedDump
from tests.unit.test_record import REQUEST, new


def queued(**others: object) -> QueuedDump:
    """One of this process."""
    dump = process.held_here(queued_dump.new_queued(REQUEST, "qemu:///system", True, False, "root@hv3"))
    return replace(dump, **others)  # type: ignore[arg-type]


def left(**others: object) -> QueuedDump:
    """One whose console is gone."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        start = process.process_start(other.pid)
        other.kill()
    return queued(pid=other.pid, pid_start=start, **others)


def test_what_is_kept_comes_back_in_the_order_of_the_queue() -> None:
    raw = DumpRequest(REQUEST.domain, "/dumps/raw", DumpFormat.RAW, DumpFlags.CRASH)
    dumps = [
        queued(queued=2.0 + time.time()),
        process.held_here(queued_dump.new_queued(raw, "a:///", False, True, "x")),
    ]
    DumpQueue().add(dumps)
    assert DumpQueue().all() == dumps
    assert DumpQueue().all(["a:///"]) == dumps[1:]
    assert dumps[1].request == raw


def test_only_those_without_a_console_are_left() -> None:
    mine, orphan = queued(), left()
    DumpQueue().add([mine, orphan])
    assert DumpQueue().left() == [orphan]


def test_who_takes_a_dump_first_has_it() -> None:
    orphan = left()
    DumpQueue().add([orphan])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: DumpQueue().take([orphan]), range(8)))
    [taken] = [answer for answer in answers if answer]
    assert taken == [process.held_here(orphan)] == DumpQueue().all()
    assert DumpQueue().left() == DumpQueue().remove([orphan]) == []


def test_its_record_takes_its_place() -> None:
    dump = queued()
    DumpQueue().add([dump])
    record = process.new_record(dump.request, dump.uri, dump.id)
    Journal().write(record, dump)
    assert (DumpQueue().all(), Journal().history()) == ([], [record])


def test_one_that_another_console_has_taken_does_not_begin() -> None:
    dump = queued()
    DumpQueue().add([replace(dump, pid_start="another")])
    with pytest.raises(NotInQueue, match="taken over, or forgotten, by another console"):
        Journal().write(process.new_record(dump.request, dump.uri, dump.id), dump)
    assert len(DumpQueue().all()) == 1
    assert Journal().history() == []


def test_an_older_journal_gets_the_table() -> None:
    journal = Journal()
    journal.write(new())
    journal.use(lambda db: [db.execute("DROP TABLE queued"), db.execute("PRAGMA user_version = 12")])
    DumpQueue().add([queued()])
    assert (len(DumpQueue().all()), len(Journal().history())) == (1, 1)


def test_a_damaged_row_hides_no_other() -> None:
    dump = queued()
    DumpQueue().add([dump, queued()])
    Journal().use(lambda db: db.execute("UPDATE queued SET flags = 'x' WHERE id <> ?", (dump.id,)))
    with pytest.warns(JournalWarning, match="left out what is damaged in .*: 1 queued dumps"):
        assert DumpQueue().all() == [dump]


def test_what_cannot_be_kept_is_refused_in_one_line() -> None:
    with pytest.raises(JournalError, match="cannot keep a queued dump in the journal: its path is not valid"):
        DumpQueue().add([queued(path="/" + "x" * 5000)])


def test_a_file_that_is_no_journal_is_refused_in_one_line(state_home: Path) -> None:
    path = Journal().path
    path.mkdir()
    with pytest.raises(JournalError) as caught:
        DumpQueue().add([queued()])
    assert "\n" not in str(caught.value)


def test_what_nobody_asked_for_in_months_makes_room() -> None:
    DumpQueue().add([queued(queued=time.time() - (KEEP_DAYS + 1) * 86400), recent := queued()])
    DumpQueue().add([other := queued()])
    assert DumpQueue().all() == [recent, other]
