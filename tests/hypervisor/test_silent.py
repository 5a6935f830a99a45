"""A QEMU that does not answer: nothing is stated of its domain, and nothing false of any other."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import libvirt
import pytest

from backend.errors import NotAnswering
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, DomainState, JobOperation
from backend.observing.checkup import check
from backend.status import Status
from tests.contract.steps import PATIENCE
from tests.hypervisor.daemon import Machines, PrivateDaemon, process_of, unique
from tests.hypervisor.site import Site, held_dump
from tests.unit.session.observer import Observer, session
from tui.session.left_pauses import LEFT_AFTER
from tui.session.rows import Row
from tui.session.session import Session

pytestmark = pytest.mark.hypervisor


@pytest.fixture
def machines(daemon: PrivateDaemon) -> Iterator[Machines]:
    with Machines(daemon.uri) as machines:
        yield machines


@pytest.fixture
def place(daemon: PrivateDaemon, machines: Machines) -> Site:
    return Site(daemon, machines, [])


@contextmanager
def stopped(domain: DomainKey) -> Iterator[None]:
    """Its QEMU does nothing until the block ends."""
    pid = process_of(domain)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # It was destroyed.
            os.kill(pid, signal.SIGCONT)


def refused(machines: Machines, domain: DomainKey) -> None:
    """Ask for its job, and return once libvirt has waited in vain for its lock, for half a minute."""
    with pytest.raises(libvirt.libvirtError):
        machines.handle(domain).jobStats()


def row_of(running: Session, domain: DomainKey) -> Row:
    return next(row for row in running.rows.values() if row.domain.key.uuid == domain.uuid)


def entries_of(observer: Observer, domain: DomainKey) -> list[str]:
    return [words for subject, words in observer.entries if subject == domain.name]


def never_torn(observer: Observer, domain: DomainKey) -> bool:
    """Whether no row of the domain ever looked left paused."""
    rows = [row for changed, _ in observer.reports for row in changed if row.domain.key.uuid == domain.uuid]
    return bool(rows) and not any(row.maybe_left_paused or row.left_paused for row in rows)


async def virt_jobs(daemon: PrivateDaemon, *arguments: str) -> tuple[int, str, str]:
    """The command's exit code, output and errors."""
    command = (sys.executable, "-m", "tui", "-c", daemon.uri, *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode or 0, out.decode(), errors.decode()


async def test_one_that_hangs_in_its_own_dump_keeps_its_last_known_job(machines: Machines, place: Site) -> None:
    domain = machines.start(unique("vm"), 64, filled=True)
    async with session(place.daemon.uri) as (running, observer):
        with held_dump(place, domain):
            await observer.until(lambda: row_of(running, domain).progress is not None)
            with stopped(domain):
                await observer.until(lambda: not row_of(running, domain).domain.answering)
                row = row_of(running, domain)
                assert (row.operation, row.last_known) == (JobOperation.DUMP, True)
                assert row.view.silent_since is not None
                await asyncio.sleep(2 * LEFT_AFTER)  # Long enough for whatever might be said by mistake.
                assert row_of(running, domain).operation is JobOperation.DUMP
                assert not row_of(running, domain).left_paused
                assert not observer.outcomes
            await observer.until(lambda: row_of(running, domain).domain.answering)
            assert row_of(running, domain).operation is JobOperation.DUMP
        await observer.until(lambda: row_of(running, domain).domain.state is DomainState.RUNNING)
        await observer.until(lambda: bool(observer.outcomes))
        assert row_of(running, domain).operation is None
        said = entries_of(observer, domain)
        assert [words for words in said if "answer" in words] == ["does not answer", "answers again"]
    assert never_torn(observer, domain)


async def test_commands_say_that_it_does_not_answer_and_what_was_known_last(machines: Machines, place: Site) -> None:
    domain, well = machines.start(unique("vm"), 64, filled=True), machines.start(unique("well"))
    async with session(place.daemon.uri) as (running, observer):
        with held_dump(place, domain):
            await observer.until(lambda: bool(observer.remembered_jobs))
            await running.memory.settle()
            with stopped(domain):
                listing, told, alone, readonly, doctor, waiting, migration = await asyncio.gather(
                    virt_jobs(place.daemon, "list", "--json"),
                    virt_jobs(place.daemon, "list"),
                    virt_jobs(place.daemon, "info", "--json", "--", domain.name),
                    virt_jobs(place.daemon, "-r", "list"),
                    virt_jobs(place.daemon, "doctor"),
                    virt_jobs(place.daemon, "wait"),
                    virt_jobs(place.daemon, "migration", "--", domain.name),
                )
    assert [code for code, _, _ in (listing, told, alone, readonly, waiting, migration)] == [7] * 6
    by_name = {line["name"]: line for line in map(json.loads, listing[1].splitlines())}
    silent = by_name[domain.name]
    assert (silent["state"], silent["answering"], silent["job"]) == ("not answering", False, None)
    assert (silent["last_known"]["state"], silent["last_known"]["reason"]) == ("paused", "dumping")
    assert [job["operation"] for job in silent["last_known"]["jobs"]] == ["dump"]
    assert (by_name[well.name]["state"], by_name[well.name]["answering"]) == ("running", True)
    assert json.loads(alone[1])["last_known"] == silent["last_known"]
    for out in (told[1], readonly[1]):
        [line] = [line for line in out.splitlines() if domain.name in line]
        assert "not answering" in line and "dump (last known)" in line
    for errors in (listing[2], told[2], waiting[2], migration[2], alone[2]):
        assert f"{domain.name}: not answering" in errors and "last known: paused (dumping), dump since" in errors
    assert "as far as its domains answer" in waiting[2]
    assert doctor[0] == 1 and "not answering" in doctor[1] and domain.name in doctor[1]


async def test_it_is_no_news_when_somebody_elses_look_keeps_its_lock(machines: Machines, place: Site) -> None:
    domain = machines.start(unique("vm"), 64, filled=True)
    with held_dump(place, domain), stopped(domain):
        command = ("virsh", "-q", "-c", place.daemon.uri, "domjobinfo", domain.uuid)
        look = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
        try:
            await asyncio.sleep(0.5)  # It has the lock by then, or this shows less.
            async with session(place.daemon.uri) as (running, observer), LibvirtBackend(place.daemon.uri) as backend:
                await observer.until(lambda: not row_of(running, domain).domain.answering)
                asked = asyncio.create_task(backend.job(domain))
                await asyncio.sleep(0)
                await asyncio.to_thread(refused, machines, domain)  # Those who asked before it were, too.
                with pytest.raises(NotAnswering):
                    await asked
                await observer.news_are_told()
                row = row_of(running, domain)
                assert (row.domain.answering, row.left_paused, row.maybe_left_paused) == (False, False, False)
                assert [words for words in entries_of(observer, domain) if "answer" in words] == ["does not answer"]
                assert isinstance((await backend.statuses([domain]))[domain], NotAnswering)
        finally:
            look.kill()
            await look.wait()


async def test_beside_one_that_hangs_the_end_of_anothers_dump_is_no_pause_that_was_left(
    machines: Machines, place: Site
) -> None:
    domain, hung = machines.start(unique("vm"), 64, filled=True), machines.start(unique("hung"))
    async with session(place.daemon.uri) as (running, observer), LibvirtBackend(place.daemon.uri) as backend:
        await backend.domains()
        with held_dump(place, domain):
            await observer.until(lambda: row_of(running, domain).progress is not None)
            with stopped(hung):
                # It keeps the lock of the domain for ten seconds, in which no list of domains comes back.
                command = ("virsh", "-q", "-c", place.daemon.uri, "destroy", hung.uuid)
                destroying = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
                await asyncio.sleep(0.2)
        # Its dump ends now, and it runs.
        await observer.until(lambda: row_of(running, domain).progress is None)
        assert row_of(running, domain).domain.state is DomainState.RUNNING
        status = (await backend.statuses([domain]))[domain]
        assert isinstance(status, Status) and status.job is None and status.domain.state is DomainState.RUNNING
        assert (await check(LibvirtBackend(place.daemon.uri))).left_paused == []
        await asyncio.wait_for(destroying.wait(), PATIENCE)
        await asyncio.sleep(LEFT_AFTER)
        await observer.until(lambda: not any(row.domain.key.uuid == hung.uuid for row in running.rows.values()))
        assert not any("left paused" in words for _, words in observer.entries)
    assert never_torn(observer, domain)


async def test_it_stays_silent_through_a_restart_of_its_daemon(machines: Machines, place: Site) -> None:
    daemon = place.daemon
    domain, well = machines.start(unique("vm"), 64, filled=True), machines.start(unique("well"))
    async with session(daemon.uri) as (running, observer):
        with stopped(domain):
            daemon.kill()
            await asyncio.to_thread(daemon.start)
            await observer.until(lambda: not row_of(running, domain).domain.answering)
            await observer.until(lambda: not row_of(running, well).stale)
            assert row_of(running, well).domain.answering
            assert not any(row.left_paused for row in running.rows.values())
        await observer.until(lambda: row_of(running, domain).domain.answering)
        assert row_of(running, domain).domain.state is DomainState.RUNNING
    again = Machines(daemon.uri)
    for key in (domain, well):
        again.destroy(key)
