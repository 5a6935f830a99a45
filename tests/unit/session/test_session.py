"""The session without a console: hosts, rows, waits, the queue, and what it reports."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import DomainBusy
from backend.model import JobOperation
from backend.outcome import Verdict
from tests.unit.session.observer import LIMIT, Observer, session
from tui.config.values import Config
from tui.session.activity_log import Tone
from tui.session.fleet import HostRefused
from tui.session.folding import NEWS_BURST
from tui.session.rows import Row
from tui.session.session import Session

A, B = "sim:///a?domains=2&jobs=0&memory=64", "sim:///b?domains=3&jobs=0&memory=64"
SELDOM = 1e-3
"""Reports of rows a second."""
SLOW = "sim:///slow?domains=3&jobs=0&memory=64&rate=1"


def row(running: Session, name: str) -> Row:
    return next(row for row in running.rows.values() if row.domain.name == name)


def request(running: Session, name: str, path: Path) -> DumpRequest:
    """A dump that can be aborted."""
    return DumpRequest(row(running, name).domain.key, str(path), DumpFormat.RAW, DumpFlags.NONE)


def test_the_session_needs_no_textual() -> None:
    code = "import sys, tui.session.session; sys.exit(any(name.split('.')[0] == 'textual' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_all_domains_of_all_hosts_are_rows() -> None:
    async with session(A, B) as (running, observer):
        assert running.rows.counts() == {A: (2, 0), B: (3, 0)}
        assert (len(running.rows), running.rows.jobs) == (5, 0)
        assert {subject for subject, words in observer.entries if words.startswith("connected")} == {
            "sim:///a",
            "sim:///b",
        }


async def test_changes_of_all_hosts_are_one_report() -> None:
    async with session(A, B) as (running, observer):
        changed = {row.domain.key.uuid for row in running.rows.values()}
        for host in running.hosts.values():
            for view in [row.view for row in running.rows.of_host(host.uri)]:
                host._changed[view.domain.key.uuid] = view
            running.domains_changed(host)
        before = len(observer.reports)
        await observer.until(lambda: len(observer.reports) > before)
        # A host may report a change of its own just before.
        assert {row.domain.key.uuid for row in observer.reports[before][0]} == changed


async def test_a_job_that_begins_is_reported_although_rows_were_a_moment_ago(tmp_path: Path) -> None:
    async with session(SLOW, config=Config(refresh=SELDOM)) as (running, observer):
        running.start_dump(running.hosts[SLOW], request(running, "vm-01", tmp_path / "core"), False)
        await observer.until(lambda: row(running, "vm-01").operation is JobOperation.DUMP)


async def test_a_burst_of_jobs_that_begin_and_end_is_reported_no_more_often_than_numbers() -> None:
    async with session(SLOW, config=Config(refresh=SELDOM)) as (running, observer):
        host = next(iter(running.hosts.values()))
        [view, *_] = [row.view for row in running.rows.values()]
        for number in range(NEWS_BURST + 1):
            observer.reports.clear()
            host._changed[view.domain.key.uuid] = view
            host.news = True
            running.domains_changed(host)
            if number < NEWS_BURST:
                await observer.until(lambda: bool(observer.reports))
        assert running._folding.due is not None
        assert running._folding.due > asyncio.get_running_loop().time() + LIMIT
        assert not observer.reports


async def test_a_dump_is_started_reported_and_followed_to_its_end(tmp_path: Path) -> None:
    async with session(A) as (running, observer):
        wait = running.start_dump(running.hosts[A], request(running, "vm-01", tmp_path / "core"), False)
        await observer.until(lambda: bool(observer.ended))
        assert observer.ended == [wait]
        assert [outcome.verdict for outcome in observer.outcomes] == [Verdict.COMPLETED]
        assert ("vm-01", f"dump started → {tmp_path / 'core'}") in observer.entries
        assert wait.key not in running.waits


async def test_dumps_beyond_the_limit_are_queued_and_can_be_removed(tmp_path: Path) -> None:
    async with session(SLOW) as (running, observer):
        host = running.hosts[SLOW]
        waits = [
            running.start_dump(host, request(running, name, tmp_path / name), False)
            for name in ("vm-01", "vm-02", "vm-03")
        ]
        assert [wait.queued for wait in waits] == [False, False, True]
        assert row(running, "vm-03").pending == "queued"
        assert running.waits.queued == [waits[2]]
        with pytest.raises(DomainBusy):
            running.start_dump(host, request(running, "vm-03", tmp_path / "again"), False)
        running.waits.drop(waits[2])
        await observer.until(lambda: waits[2] in observer.ended)
        assert (row(running, "vm-03").pending, running.waits.queued) == ("", [])
        assert ("vm-03", "dump not started: removed from the queue") in observer.entries


async def test_an_aborted_dump_is_cancelled(tmp_path: Path) -> None:
    async with session(SLOW) as (running, observer):
        running.start_dump(running.hosts[SLOW], request(running, "vm-01", tmp_path / "core"), False)
        await observer.until(lambda: row(running, "vm-01").progress is not None)
        running.actions.abort(running.hosts[SLOW], row(running, "vm-01").domain.key)
        await observer.until(lambda: bool(observer.outcomes))
        assert observer.outcomes[0].verdict is Verdict.CANCELLED
        assert ("vm-01", "abort requested") in observer.entries


async def test_an_action_that_fails_is_reported() -> None:
    async with session(A) as (running, observer):
        running.actions.abort(running.hosts[A], row(running, "vm-01").domain.key)
        await observer.until(lambda: bool(observer.failures))
        [(subject, error)] = observer.failures
        assert (subject, f"✗ abort failed: {error}") in observer.entries


async def test_hosts_are_added_once_and_dropped_with_their_rows() -> None:
    async with session(A) as (running, observer):
        [host] = running.add_host(B)
        await observer.until(lambda: B in running.loaded)
        assert len(running.rows) == 5
        with pytest.raises(HostRefused, match="already connected"):
            running.add_host(B)
        assert running.drop_host(host) == 0
        assert running.rows.counts().get(B, (0, 0)) == (0, 0)
        assert B not in running.loaded
        assert observer.reports[-1][1], "the removed rows are reported"


async def test_a_host_that_cannot_be_reached_is_reported_and_the_others_work() -> None:
    unreachable = "qemu+tcp://127.0.0.1:1/system"
    observer = Observer()
    running = Session([unreachable, A], False, Config(), observer, observer)
    running.start()
    await observer.until(lambda: A in running.loaded and bool(running.hosts[unreachable].reason))
    assert len(running.rows) == 2
    await running.close()


async def test_an_exception_that_nobody_expected_ends_one_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def broken(*args: object, **options: object) -> None:
        raise RuntimeError("a bug")

    async with session(SLOW) as (running, observer):
        monkeypatch.setattr("tui.session.planned_dump.start_dump", broken)
        running.start_dump(running.hosts[SLOW], request(running, "vm-01", tmp_path / "core"), False)
        await observer.until(lambda: bool(observer.ended))
        assert "internal error" in str(observer.ended[0].error)
        assert len(running.rows) == 3


async def test_an_exception_in_a_task_is_an_entry_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with session(A) as (running, observer):

        async def broken(domain: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(running.hosts[A].backend, "resume", broken)
        running.actions.resume(running.hosts[A], row(running, "vm-01").domain.key)
        await observer.until(lambda: bool(observer.failures))
        assert observer.tones[-1] is Tone.ERROR
        assert "internal error" in observer.failures[0][1]
