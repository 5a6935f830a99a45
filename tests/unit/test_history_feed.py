"""What a history lists, and what becomes of it: jobs, commands that were run as jobs, and queued dumps together."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from backend.errors import JournalError
from backend.model import JobOperation
from backend.observing import rereading
from backend.observing.history_feed import HistoryFeed
from backend.observing.remembered import CommandRun, Remembered
from backend.outcome import Verdict
from backend.records import command, commands, process
from backend.records.command import CommandRecord
from backend.records.commands import Commands
from backend.records.dump_queue import DumpQueue
from backend.records.history import History, Query
from backend.records.journal import Journal
from backend.verdicts.job_sources import Source
from tests.unit.test_commands import JOB, dead
from tests.unit.test_commands import new as new_command
from tests.unit.test_dump_queue import left, queued
from tests.unit.test_history import ended, entry
from tests.unit.test_record import new as new_dump

A, B = "sim:///a", "sim:///b"


def run(domain: str, *argv: str, **values: Any) -> CommandRecord:
    """The record of a command that this process runs, which is kept."""
    record = new_command(*argv, **{"uri": A, "uuid": f"uuid of {domain}", "domain": domain} | values)
    Commands().write(record)
    return record


def words(items: Iterable[Remembered]) -> list[tuple[str, str]]:
    return [(item.domain, item.word) for item in items]


def recalled(wanted: Any = None, **query: Any) -> list[tuple[str, str]]:
    return words(HistoryFeed(Query(**query), wanted).recall().items)


@pytest.fixture
def everything() -> None:
    """A failed save, a dump that runs, two commands and two queued dumps, on two hosts, a minute apart."""
    now = time.time()
    save = entry(now - 360, uuid="uuid of save", domain="save", uri=A, boot="")
    History().keep(ended(save, Verdict.FAILED))
    done = run("done", started=now - 300, started_uptime=None)
    Commands().write(replace(command.ended(done, 0), ended=now - 290))
    run("busy", uri=B, started=now - 240)
    DumpQueue().add([left(domain="left", uuid="uuid of left", uri=B, queued=now - 180)])
    Journal().write(new_dump(domain="dump", uuid="uuid of dump", uri=A, started=now - 120))
    DumpQueue().add([queued(domain="queue", uuid="uuid of queue", uri=A, queued=now - 60)])


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "queue dump left busy done save"),
        ({"limit": 3}, "queue dump left"),
        ({"uris": [B]}, "left busy"),
        ({"name": "busy"}, "busy"),
        ({"name": "UUID of queue"}, "queue"),
        ({"failed": True}, "left save"),
        ({"operation": JobOperation.DUMP}, "queue dump left"),
        ({"operation": JobOperation.SAVE}, "save"),
        ({"since": 200}, "queue dump left busy"),
        ({"wanted": lambda item: item.host == "hv3"}, "queue left"),
    ],
)
def test_a_query_is_about_all_of_them_the_newest_first(query: dict[str, Any], found: str) -> None:
    if "since" in query:
        query = query | {"since": time.time() - query["since"]}
    assert [domain for domain, _ in recalled(**query)] == found.split()


@pytest.mark.usefixtures("everything")
def test_each_says_how_it_stands_who_requested_it_and_how_long_it_took() -> None:
    items = {item.domain: item for item in HistoryFeed(Query()).recall().items}
    assert {domain: item.word for domain, item in items.items()} == {
        "queue": "queued",
        "dump": "running",
        "left": "not started",
        "busy": "running",
        "done": "completed",
        "save": "failed",
    }
    assert [items[name].verdict for name in ("queue", "left", "busy", "done")] == [None, None, None, Verdict.COMPLETED]
    assert [items[name].requester for name in ("queue", "busy")] == ["root@hv3", process.requester()]
    assert items["done"].seconds == pytest.approx(10, abs=0.1)
    assert [items[name].seconds for name in ("queue", "left", "busy")] == [None] * 3


def test_the_begin_and_the_end_of_a_command_are_news_once_and_so_are_its_jobs() -> None:
    feed = HistoryFeed(Query())
    assert feed.recall().items == []
    record = run("db-01")
    assert words(feed.changes().items) == [("db-01", "running")]
    Commands().write(process.running(replace(record, command_pid=1)))
    assert feed.changes().items == [], "who runs it is no news"
    Commands().write(record := replace(record, jobs=(JOB,)))
    [item] = feed.changes().items
    assert isinstance(item, CommandRun)
    assert [job.over for job in item.record.jobs] == [False]
    Commands().write(command.ended(record, 3))
    assert words(feed.changes().items) == [("db-01", "failed")]
    assert feed.changes().items == []


def test_what_is_queued_is_news_and_so_is_the_end_of_its_console() -> None:
    feed = HistoryFeed(Query())
    feed.recall()
    DumpQueue().add([dump := queued(domain="db-01")])
    assert words(feed.changes().items) == [("db-01", "queued")]
    assert feed.changes().items == []
    DumpQueue().release([dump])
    assert words(feed.changes().items) == [("db-01", "not started")]
    assert feed.changes().items == []


def test_the_death_of_a_process_is_noticed_although_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = HistoryFeed(Query())
    run("db-01")
    DumpQueue().add([queued(domain="db-02")])
    assert words(feed.recall().items) == [("db-02", "queued"), ("db-01", "running")]
    monkeypatch.setattr(process, "process_start", lambda pid: "")
    monkeypatch.setattr(process, "START_GRACE", 0.0)
    monkeypatch.setattr(feed, "_rereading", rereading.Rereading())
    assert words(feed.changes().items) == [("db-01", "lost"), ("db-02", "not started")]


def test_a_queued_dump_that_is_cancelled_is_gone() -> None:
    dumps = [queued(domain="db-01"), queued(domain="db-02")]
    DumpQueue().add(dumps)
    feed = HistoryFeed(Query())
    feed.recall()
    DumpQueue().remove(dumps[:1])
    changes = feed.changes()
    assert (changes.items, changes.gone) == ([], {dumps[0].id})
    assert feed.changes().gone == frozenset()


def test_a_queued_dump_that_begins_is_a_job_of_the_same_id_and_never_gone() -> None:
    DumpQueue().add([dump := queued(domain="db-01")])
    feed = HistoryFeed(Query())
    [waiting] = feed.recall().items
    Journal().write(process.new_record(dump.request, dump.uri, dump.id), dump)
    changes = feed.changes()
    assert words(changes.items) == [("db-01", "running")]
    assert (changes.items[0].ids, changes.gone) == (waiting.ids, frozenset())
    assert feed.changes().gone == frozenset()


def test_one_that_begins_while_it_is_read_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    DumpQueue().add([dump := queued()])
    feed = HistoryFeed(Query())
    recall = feed._jobs.recall

    def begun_first() -> Any:
        Journal().write(process.new_record(dump.request, dump.uri, dump.id), dump)
        return recall()

    monkeypatch.setattr(feed._jobs, "recall", begun_first)
    assert [item.word for item in feed.recall().items] == ["running"]
    changes = feed.changes()
    assert (changes.items, changes.gone) == ([], frozenset())


def test_a_command_that_made_room_for_another_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "KEEP_NEWEST", 1)
    old = run("old")
    Commands().write(command.ended(old, 0))
    feed = HistoryFeed(Query())
    feed.recall()
    run("new")
    changes = feed.changes()
    assert (words(changes.items), changes.gone) == ([("new", "running")], {old.id})


def test_a_result_that_is_lost_is_no_news_again_and_has_no_time() -> None:
    Commands().write(dead(new_command()))
    feed = HistoryFeed(Query())
    [item] = feed.recall().items
    assert (item.word, item.verdict, item.failed, item.seconds) == ("lost", Verdict.UNPROVEN, True, None)
    Commands().write(dead(new_command(domain="other", uuid="other")))
    assert words(feed.changes().items) == [("other", "lost")]


def test_the_command_that_run_last_shows_is_the_one_that_runs_or_the_latest() -> None:
    def last() -> list[str]:
        items = HistoryFeed(Query()).recall().items
        return [item.record.id for item in items if isinstance(item, CommandRun) and item.last]

    now = time.time()
    first, second = run("db-01", started=now), run("db-01", started=now + 1)
    elsewhere = run("db-01", uri=B, started=now + 2)
    assert last() == [elsewhere.id, second.id]
    Commands().write(command.ended(second, 0))
    assert last() == [elsewhere.id, first.id]
    Commands().write(command.ended(first, 0))
    assert last() == [elsewhere.id, second.id]


def test_another_command_is_news_of_the_one_that_was_the_last() -> None:
    first = run("db-01", started=time.time() - 60)
    Commands().write(command.ended(first, 0))
    feed = HistoryFeed(Query())
    feed.recall()
    run("db-01")
    assert words(feed.changes().items) == [("db-01", "completed"), ("db-01", "running")]


def test_a_journal_that_cannot_be_read_is_an_error_once_and_takes_nothing_back() -> None:
    run("db-01")
    DumpQueue().add([queued()])
    feed = HistoryFeed(Query())
    feed.recall()

    def version(number: str) -> None:
        with closing(sqlite3.connect(Journal().path)) as db, db:
            db.execute(f"PRAGMA user_version = {number}")

    with closing(sqlite3.connect(Journal().path)) as db:
        (before,) = db.execute("PRAGMA user_version").fetchone()
    version("99")
    changes = feed.changes()
    assert (changes.items, changes.gone) == ([], frozenset())
    assert isinstance(changes.errors[Source.CALL], JournalError)
    assert feed.changes().errors == {}
    version(str(before))
    run("db-02")
    changes = feed.changes()
    assert (words(changes.items), changes.errors) == ([("db-02", "running")], {})
