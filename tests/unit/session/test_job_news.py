"""What is told of jobs: each begin and each end once, and many at a time as numbers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.dump_request import AutomaticDump, DumpCause
from backend.job_origin import Client, JobOrigin
from backend.model import DomainKey, JobOperation, Operation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.entry import JobEntry, with_outcome
from backend.records.record import JobRecord
from tests.unit.session.observer import Observer
from tests.unit.test_history import DOMAIN, entry
from tui.session.background_tasks import BackgroundTasks
from tui.session.background_waits import BackgroundWaits
from tui.session.happenings import Happenings
from tui.session.host import Host
from tui.session.job_news import FEW, JobNews
from tui.session.job_wait import JobWait
from tui.session.rows import RowKey, RowStore

URI = "qemu:///system"
KEY = RowKey(URI, DOMAIN.uuid)


class Hypervisor:
    """Says of every dump that it has begun it itself, if there is a `dump`."""

    dump: AutomaticDump | None = None
    origin = JobOrigin()
    capabilities = SimpleNamespace(local=True)

    async def record(self, domain: DomainKey) -> JobRecord | None:
        return None

    async def automatic_dump(self, domain: DomainKey) -> AutomaticDump | None:
        return self.dump

    async def job_origin(self, domain: DomainKey, operation: Operation) -> JobOrigin:
        return self.origin


class Watched:
    """A host that has been watched for a minute."""

    name, uri, watched = "hv1", URI, 60.0

    def __init__(self) -> None:
        self.backend = Hypervisor()
        self.capabilities = self.backend.capabilities
        self.happenings = Happenings()

    def name_of(self, domain: DomainKey) -> str:
        return domain.name


class Desk:
    """Job news, with all that they need."""

    def __init__(self) -> None:
        self.observer = Observer()
        self.host = Watched()
        self.learned: list[RowKey] = []
        self.own: dict[RowKey, Any] = {}
        self.news = JobNews(
            self.observer,
            {URI: cast(Host, self.host)},
            RowStore(),
            cast(BackgroundWaits, self.own),
            BackgroundTasks(lambda subject, error: None),
            self.learned.append,
        )

    @property
    def told(self) -> list[str]:
        return [words for _, words in self.observer.entries]

    @property
    def ends(self) -> list[tuple[str, Verdict]]:
        return [(outcome.domain.name, outcome.verdict) for outcome in self.observer.outcomes]


@contextmanager
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.news.close()


def job(number: int = 1, operation: JobOperation = JobOperation.SAVE, ago: float = 1.0, **values: Any) -> JobEntry:
    return entry(time.time() - ago, operation, uuid=f"uuid {number}", domain=f"vm-{number}", **values)


def over(of: JobEntry, verdict: Verdict = Verdict.COMPLETED, evidence: Evidence = Evidence.LIFECYCLE) -> JobEntry:
    outcome = Outcome(of.key, of.operation, verdict, evidence, "As it was seen.")
    return with_outcome(of, outcome, time.time(), None)


async def test_a_begin_and_an_end_are_told_once() -> None:
    with desk() as it:
        it.news.take(job())
        it.news.tell()
        assert it.told == ["save started"]
        begun = job(2)
        for known in (begun, over(begun), over(begun, evidence=Evidence.JOB_EVENT)):
            it.news.take(known)
            it.news.tell()
        assert it.ends == [("vm-2", Verdict.COMPLETED)]


class Wait:
    """One of somebody's that has seen the job's end before it was remembered."""

    def __init__(self, of: JobEntry, verdict: Verdict = Verdict.COMPLETED) -> None:
        self.key, self.operation, self.record = RowKey(of.uri, of.uuid), of.operation, None
        self.outcome = over(of, verdict).outcome


async def test_what_a_wait_has_told_is_not_told_again() -> None:
    with desk() as it:
        for number, remembered in ((1, Verdict.COMPLETED), (2, Verdict.FAILED)):
            begun = job(number)
            it.news.told_by(cast(JobWait, Wait(begun)))
            it.news.take(over(begun, remembered))
            it.news.tell()
        it.news.take(over(job(1, ago=3600.0), Verdict.COMPLETED))
        it.news.take(over(job(1, JobOperation.BACKUP)))
        it.news.tell()
        assert it.ends == [("vm-2", Verdict.FAILED), *[("vm-1", Verdict.COMPLETED)] * 2]


async def test_an_end_that_turns_out_to_be_another_is_told_again() -> None:
    with desk() as it:
        begun = job()
        for verdict in (Verdict.UNPROVEN, Verdict.FAILED):
            it.news.take(over(begun, verdict))
            it.news.tell()
        assert it.ends == [("vm-1", Verdict.UNPROVEN), ("vm-1", Verdict.FAILED)]


async def test_of_a_job_that_is_over_at_once_the_end_alone_is_told() -> None:
    with desk() as it:
        begun = job()
        it.news.take(begun)
        it.news.take(over(begun))
        it.news.tell()
        assert (it.told, it.ends) == ([], [("vm-1", Verdict.COMPLETED)])


@pytest.mark.parametrize("exact", [True, False])
async def test_that_a_job_runs_which_began_before_anyone_looked_is_no_news_but_its_end_is(exact: bool) -> None:
    with desk() as it:
        it.host.watched = 2.0
        begun = job(ago=30.0 if exact else 0.0, exact=exact)
        it.news.take(begun)
        it.news.tell()
        assert it.told == []
        it.news.take(over(begun))
        it.news.tell()
        assert it.ends == [("vm-1", Verdict.COMPLETED)]


async def test_what_ended_before_the_console_was_opened_is_no_news() -> None:
    with desk() as it:
        it.news.take(replace(over(job(ago=60.0)), ended=time.time() - 50.0))
        it.news.tell()
        assert (it.told, it.ends) == ([], [])


async def test_many_jobs_at_a_time_are_counted_and_problems_are_not_lost_among_them() -> None:
    with desk() as it:
        begun = [job(number) for number in range(FEW + 2)]
        for one in begun:
            it.news.take(one)
        it.news.tell()
        it.news.take(over(begun[0], Verdict.FAILED))
        for one in begun[1:]:
            it.news.take(over(one))
        it.news.tell()
        assert it.told == ["10 jobs started", "9 jobs ended: completed"]
        assert it.ends == [("vm-0", Verdict.FAILED)]


async def test_an_end_that_the_user_waits_for_is_told_as_their_own_whatever_else_ends() -> None:
    with desk() as it:
        it.own[RowKey(URI, "uuid 3")] = SimpleNamespace(ours=False, operation=JobOperation.SAVE)
        for number in range(FEW + 4):
            it.news.take(over(job(number)))
        it.news.tell()
        assert it.ends == [("vm-3", Verdict.COMPLETED)]
        assert it.observer.own == it.observer.outcomes
        assert it.told == ["11 jobs ended: completed"]
        assert it.observer.kept == []


async def test_the_end_of_another_job_of_that_domain_is_not() -> None:
    with desk() as it:
        it.own[RowKey(URI, "uuid 1")] = SimpleNamespace(ours=True, operation=JobOperation.DUMP)
        it.news.take(over(job(1)))
        it.news.tell()
        assert it.ends == [("vm-1", Verdict.COMPLETED)]
        assert it.observer.own == []


async def test_the_number_of_many_failures_is_kept() -> None:
    with desk() as it:
        for number in range(FEW + 1):
            it.news.take(over(job(number), Verdict.FAILED))
        it.news.tell()
        assert it.observer.kept == ["9 jobs ended: failed"]


async def test_this_users_own_job_is_not_said_to_have_begun() -> None:
    with desk() as it:
        it.own[RowKey(URI, "uuid 1")] = SimpleNamespace(ours=True)
        it.news.take(job())
        it.news.take(job(2, JobOperation.SAVE, record="id"))
        it.news.tell()
        assert it.told == []


async def test_an_end_that_is_told_here_is_not_told_for_a_wait_as_well() -> None:
    with desk() as it:
        wait = cast(JobWait, SimpleNamespace(key=KEY, operation=JobOperation.SAVE, record=None, began=0.0))
        assert not it.news.tells_end_of(wait)
        it.news.take(over(entry(time.time())))
        assert it.news.tells_end_of(wait)
        later = replace_wait(wait, began=asyncio.get_running_loop().time() + 1)
        assert not it.news.tells_end_of(later), "that was the end of the job before"
        assert not it.news.tells_end_of(replace_wait(wait, operation=JobOperation.DUMP))


async def test_the_end_of_a_recorded_dump_is_told_by_its_record() -> None:
    with desk() as it:
        it.news.take(over(entry(time.time(), JobOperation.DUMP, record="a")))
        waits = [
            cast(
                JobWait,
                SimpleNamespace(key=KEY, operation=JobOperation.DUMP, record=SimpleNamespace(id=name), began=0.0),
            )
            for name in ("a", "b")
        ]
        assert [it.news.tells_end_of(wait) for wait in waits] == [True, False]


async def test_a_foreign_dump_is_told_with_the_program_and_the_file_that_are_seen() -> None:
    with desk() as it:
        it.host.backend.origin = JobOrigin("/foreign.core", Client("virsh dump", 812, "root"))
        it.news.take(entry(time.time() - 1, JobOperation.DUMP))
        it.news.tell()
        await it.observer.until(lambda: bool(it.told))
        assert it.told == ["dump started apparently by virsh dump (pid 812, root) → /foreign.core"]


async def test_a_dump_by_the_hypervisor_itself_is_said_to_be() -> None:
    with desk() as it:
        it.host.backend.dump = AutomaticDump(DumpCause.PANIC, "/dumps/core")
        it.host.happenings = cast(Happenings, SimpleNamespace(may_be_dumped=lambda uuid, domain: True))
        begun = entry(time.time() - 1, JobOperation.DUMP)
        it.news.take(begun)
        it.news.tell()
        await it.observer.until(lambda: bool(it.told))
        assert it.told == ["dump started by libvirt (guest panicked) → /dumps/core"]
        assert it.learned == [KEY]
        assert it.news.automatic_dump(DOMAIN, KEY) == it.host.backend.dump
        assert it.news.automatic_dump(replace(DOMAIN, id=8), KEY) is None, "that is another run of the domain"
        it.news.take(over(begun))
        it.news.tell()
        assert it.news.automatic_dump(DOMAIN, KEY) is None


async def test_a_dump_whose_beginner_is_still_looked_for_is_not_said_to_be_over_before_it_began() -> None:
    with desk() as it:
        it.host.happenings = cast(Happenings, SimpleNamespace(may_be_dumped=lambda uuid, domain: True))
        begun = entry(time.time() - 1, JobOperation.DUMP)
        it.news.take(begun)
        it.news.tell()
        it.news.take(over(begun))
        it.news.tell()
        assert (it.told, it.ends) == ([], [])
        await it.observer.until(lambda: bool(it.ends))
        assert it.told == ["dump started"]


def replace_wait(wait: JobWait, **values: Any) -> JobWait:
    return cast(JobWait, SimpleNamespace(**vars(wait) | values))
