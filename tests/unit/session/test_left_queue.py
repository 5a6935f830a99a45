"""The queue of a console that ended, in the session of the next one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import JournalError, NoConnection
from backend.outcome import Verdict
from backend.records.dump_queue import DumpQueue
from backend.records.journal import Journal
from backend.records.queued_dump import QueuedDump
from backend.records.record import JobRecord
from tests.simulator_hold import Hold
from tests.unit.session.observer import Observer, session
from tests.unit.session.test_session import row
from tests.unit.test_dump_queue import left
from tui.config.values import Config, Dumps
from tui.session import planned_dump
from tui.session.activity_log import Tone
from tui.session.session import Session

pytestmark = pytest.mark.process

URI = "sim:///queue?domains=4&jobs=0&memory=16"
ONE = Config(dump=Dumps(at_once=1))


def of(running: Session, name: str, path: Path | str, **others: object) -> QueuedDump:
    """A dump of that domain that a console left."""
    key = row(running, name).domain.key
    usual = {"uri": URI, "uuid": key.uuid, "domain": name, "domain_id": key.id, "path": str(path)}
    return left(**(usual | {"format": DumpFormat.RAW, "flags": DumpFlags.NONE} | others))


async def offered(running: Session, observer: Observer, *dumps: QueuedDump) -> None:
    DumpQueue().add(dumps)
    before = observer.offers
    running.left.look()
    await observer.until(lambda: observer.offers > before)


async def kept(number: int, only_left: bool = False) -> list[QueuedDump]:
    """Those in the journal, or those of them that have no console, as soon as they are so many."""
    read = DumpQueue().left if only_left else DumpQueue().all
    for _ in range(500):
        if len(dumps := await asyncio.to_thread(read)) == number:
            return dumps
        await asyncio.sleep(0.02)
    raise AssertionError(f"{len(dumps)} are kept, not {number}")


async def test_what_is_queued_is_kept_until_it_begins(tmp_path: Path) -> None:
    async with Hold(URI), session(URI, config=ONE) as (running, observer):
        host = running.hosts[URI]
        for name in ("vm-01", "vm-02", "vm-03"):
            request = replace(of(running, name, tmp_path / name).request)
            running.start_dump(host, request, False)
        assert {dump.domain for dump in await kept(2)} == {"vm-02", "vm-03"}
        running.waits.drop(running.waits.queued[0])
        [last] = await kept(1)
        assert (last.domain, last.path, last.publish) == ("vm-03", str(tmp_path / "vm-03"), True)
        assert DumpQueue().left() == []
        await observer.until(lambda: row(running, "vm-01").progress is not None)
        running.actions.abort(host, row(running, "vm-01").domain.key)
        await observer.until(lambda: ("vm-03", f"dump started → {tmp_path / 'vm-03'}") in observer.entries)
        assert await kept(0) == []
        assert {record.id for record in Journal().history()} >= {last.id}


async def test_a_session_that_closes_leaves_its_queue(tmp_path: Path) -> None:
    async with Hold(URI):
        async with session(URI, config=ONE) as (running, _):
            for name in ("vm-01", "vm-02"):
                running.start_dump(running.hosts[URI], of(running, name, tmp_path / name).request, False)
            await kept(1)
        assert [dump.domain for dump in DumpQueue().all()] == ["vm-02"]


async def test_those_that_are_cancelled_before_it_closes_are_not_left(tmp_path: Path) -> None:
    async with Hold(URI):
        async with session(URI, config=ONE) as (running, _):
            for name in ("vm-01", "vm-02", "vm-03"):
                running.start_dump(running.hosts[URI], of(running, name, tmp_path / name).request, False)
            running.cancel_queued()
        assert DumpQueue().all() == []


async def test_nothing_is_started_before_it_is_asked_for(tmp_path: Path) -> None:
    async with session(URI) as (running, observer):
        await offered(running, observer, dump := of(running, "vm-01", tmp_path / "core"))
        running.left.asked()
        before = observer.offers
        running.left.look()
        await running.left.read()
        assert ([it.dump for it in running.left.dumps], observer.offers) == ([dump], before)
        assert Journal().history() == []


async def test_what_is_queued_again_is_dumped(tmp_path: Path) -> None:
    async with session(URI, config=ONE) as (running, observer):
        dumps = [of(running, name, tmp_path / name) for name in ("vm-01", "vm-02")]
        await offered(running, observer, *dumps)
        requeued = await running.left.queue_again(dumps)
        assert ([wait.name for wait in requeued.waits], requeued.refused, requeued.taken) == (["vm-01", "vm-02"], [], 0)
        assert running.left.dumps == []
        await observer.until(lambda: len(observer.ended) == 2)
        assert [outcome.verdict for outcome in observer.outcomes] == [Verdict.COMPLETED] * 2
        assert {record.id for record in Journal().history()} == {dump.id for dump in dumps}
        assert DumpQueue().all() == []


async def test_they_wait_for_what_the_earlier_console_has_running(tmp_path: Path) -> None:
    async with Hold(URI):
        async with session(URI, config=ONE) as (running, observer):
            for name in ("vm-01", "vm-02"):
                running.start_dump(running.hosts[URI], of(running, name, tmp_path / name).request, False)
            await kept(1)
            await observer.until(lambda: row(running, "vm-01").progress is not None)
        async with session(URI, config=ONE) as (running, observer):
            await observer.until(lambda: any("attached to the dump" in words for _, words in observer.entries))
            [mine] = DumpQueue().all()
            DumpQueue().remove([mine])
            await offered(running, observer, dump := replace(left(), **_identity(mine)))
            [wait] = (await running.left.queue_again([dump])).waits
            assert wait.queued
            running.actions.abort(running.hosts[URI], row(running, "vm-01").domain.key)
            await observer.until(lambda: not wait.queued)


def _identity(dump: QueuedDump) -> dict[str, object]:
    names = ("id", "uri", "uuid", "domain", "domain_id", "path", "format", "flags", "overwrite", "publish")
    return {name: getattr(dump, name) for name in names}


async def test_what_is_refused_now_is_kept_with_its_reason(tmp_path: Path) -> None:
    async with session(URI) as (running, observer):
        dumps = [
            of(running, "vm-01", tmp_path / "gone", uuid="another", domain="old"),
            of(running, "vm-02", "relative"),
            of(running, "vm-03", tmp_path / "good", domain_id=99),
        ]
        await offered(running, observer, *dumps)
        assert [(it.objection, it.note) for it in running.left.dumps] == [
            ("the domain does not exist any more", ""),
            ("relative is not the absolute path of a file; name one", ""),
            ("", "restarted since"),
        ]
        requeued = await running.left.queue_again(dumps)
        assert [name for name, _ in requeued.refused] == ["old", "vm-02"]
        await observer.until(lambda: len(observer.ended) == 1)
        assert observer.outcomes[0].verdict is Verdict.COMPLETED, "it is the present run that is dumped"
        assert DumpQueue().left() == dumps[:2]


async def test_of_two_consoles_one_takes_them(tmp_path: Path) -> None:
    async with Hold(URI), session(URI) as (first, one), session(URI) as (second, other):
        dump = of(first, "vm-01", tmp_path / "core")
        await offered(first, one, dump)
        second.left.look()
        await other.until(lambda: other.offers > 0)
        answers = await asyncio.gather(first.left.queue_again([dump]), second.left.queue_again([dump]))
        assert sorted((len(answer.waits), answer.taken) for answer in answers) == [(0, 1), (1, 0)]


async def test_those_of_hosts_that_are_not_here_stay(tmp_path: Path) -> None:
    async with session(URI) as (running, observer):
        elsewhere = of(running, "vm-01", tmp_path / "core", uri="sim:///elsewhere")
        await offered(running, observer, elsewhere, here := of(running, "vm-02", tmp_path / "other"))
        assert [it.dump for it in running.left.dumps] == [here]
        assert await running.left.forget([here]) == 1
        assert DumpQueue().left() == [elsewhere]


async def test_where_the_journal_cannot_be_used_one_line_says_that_they_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise JournalError("cannot use the journal x: its disk is full")

    monkeypatch.setattr(DumpQueue, "add", fails)
    async with Hold(URI), session(URI, config=ONE) as (running, observer):
        for name in ("vm-01", "vm-02", "vm-03"):
            running.start_dump(running.hosts[URI], of(running, name, tmp_path / name).request, False)
        await observer.until(lambda: bool(observer.failures) and row(running, "vm-01").progress is not None)
        running.actions.abort(running.hosts[URI], row(running, "vm-01").domain.key)
        await observer.until(lambda: ("vm-02", f"dump started → {tmp_path / 'vm-02'}") in observer.entries)
        lost = "cannot use the journal x: its disk is full; queued dumps are lost if this console ends"
        assert observer.failures == [("queue", lost)]
        assert observer.tones[observer.entries.index(("queue", f"✗ {lost}"))] is Tone.ERROR


async def test_one_whose_host_is_down_at_its_turn_is_offered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = planned_dump.start_dump

    async def lost(backend: object, request: DumpRequest, **others: Any) -> JobRecord:
        if request.path.endswith("vm-02"):
            raise NoConnection("no connection to it: gone")
        return await started(backend, request, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(planned_dump, "start_dump", lost)
    async with session(URI, config=ONE) as (running, observer):
        for name in ("vm-01", "vm-02"):
            running.start_dump(running.hosts[URI], of(running, name, tmp_path / name).request, False)
        why = "dump not started: no connection to it: gone; it is kept, and offered when the host is back"
        await observer.until(lambda: ("vm-02", why) in observer.entries)
        [dump] = await kept(1, only_left=True)
        running.left.look()
        await observer.until(lambda: observer.offers > 0)
        assert [it.dump.id for it in running.left.dumps] == [dump.id]


async def test_two_that_were_left_for_one_domain_are_queued_one_after_the_other(tmp_path: Path) -> None:
    async with Hold(URI), session(URI) as (running, observer):
        dumps = [of(running, "vm-01", tmp_path / name) for name in ("first", "second")]
        await offered(running, observer, *dumps)
        requeued = await running.left.queue_again(dumps)
        assert ([wait.request.path for wait in requeued.waits], len(requeued.refused)) == ([str(tmp_path / "first")], 1)
        assert [dump.path for dump in await kept(1, only_left=True)] == [str(tmp_path / "second")]
