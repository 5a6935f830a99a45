"""A domain that hangs, because its dump's target does, costs nobody else anything."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from backend.dump_request import DumpRequest
from backend.errors import NotAnswering
from backend.events import LifecycleEvent
from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.connection.pool import DEADLINE, SWEEP_DEADLINE
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from backend.running.start import start_dump
from tests.contract.steps import PATIENCE, eventually
from tests.hypervisor.daemon import SYSTEM, Fifo, Machines, unique, virsh_dump

pytestmark = pytest.mark.hypervisor


@dataclass
class Ward:
    hung: DomainKey
    well: DomainKey
    fifo: Fifo
    dump: subprocess.Popen[bytes]

    def release(self) -> None:
        self.fifo.release()
        self.dump.wait()


@pytest.fixture(scope="module")
def domains() -> Iterator[tuple[DomainKey, DomainKey]]:
    """Two that a dump which has hung leaves as they were."""
    with Machines() as machines:
        yield machines.start(unique("hung")), machines.start(unique("well"))


@pytest.fixture
async def ward(domains: tuple[DomainKey, DomainKey], fifo: Fifo, backend: LibvirtBackend) -> AsyncIterator[Ward]:
    """One domain whose dump hangs in opening its target, and one that is well; `backend` knows both."""
    hung, well = domains
    await backend.domains()
    ward = Ward(hung, well, fifo, virsh_dump(SYSTEM, hung, fifo.path, "--memory-only"))

    await eventually(partial(_blocked, hung, well))
    yield ward
    await asyncio.to_thread(ward.release)


async def _blocked(hung: DomainKey, well: DomainKey) -> bool:
    """Whether the one still does not answer when the other one, who was asked at the same time, has for long."""
    asked = ("virsh", "-q", "-c", SYSTEM, "domstate")
    of_hung, of_well = [
        await asyncio.create_subprocess_exec(*asked, domain.uuid, stdout=asyncio.subprocess.DEVNULL)
        for domain in (hung, well)
    ]
    await of_well.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(of_hung.wait(), 0.3)
    if of_hung.returncode is not None:
        return False
    with contextlib.suppress(ProcessLookupError):  # It has just ended.
        of_hung.kill()
    return await of_hung.wait() < 0


async def test_it_is_not_answering_within_the_deadline_and_at_once_from_then_on(
    ward: Ward, backend: LibvirtBackend
) -> None:
    begun = time.monotonic()
    with pytest.raises(NotAnswering, match="no answer within"):
        await backend.job(ward.hung)
    assert DEADLINE <= time.monotonic() - begun < 2 * DEADLINE
    begun = time.monotonic()
    with pytest.raises(NotAnswering, match="still no answer"):
        await backend.job(ward.hung)
    assert time.monotonic() - begun < DEADLINE


async def test_others_answer_while_it_is_asked(ward: Ward, backend: LibvirtBackend) -> None:
    asking = asyncio.create_task(backend.job(ward.hung))
    for _ in range(50):
        assert await backend.job(ward.well) is None
    assert not asking.done()
    with pytest.raises(NotAnswering):
        await asking


async def test_a_sweep_is_held_up_for_one_deadline_once(ward: Ward, backend: LibvirtBackend) -> None:
    keys = [ward.hung, ward.well]
    begun = time.monotonic()
    found = await backend.jobs(keys)
    assert time.monotonic() - begun < 2 * SWEEP_DEADLINE
    assert isinstance(found[ward.hung], NotAnswering)
    assert found[ward.well] is None
    begun = time.monotonic()
    assert isinstance((await backend.jobs(keys))[ward.hung], NotAnswering)
    assert time.monotonic() - begun < SWEEP_DEADLINE


async def test_the_list_shows_who_does_not_answer_and_all_others(ward: Ward, backend: LibvirtBackend) -> None:
    found = {domain.key: domain for domain in await backend.domains()}
    assert not found[ward.hung].answering
    assert found[ward.well].answering

    async def at_once() -> bool:
        begun = time.monotonic()
        assert ward.well in {domain.key for domain in await backend.domains()}
        return time.monotonic() - begun < SWEEP_DEADLINE

    await eventually(at_once)  # Domains of other tests on this daemon may begin to hang just now.


async def test_another_domain_is_found_by_who_has_listed_none(ward: Ward, backend: LibvirtBackend) -> None:
    async with LibvirtBackend(SYSTEM) as fresh:
        begun = time.monotonic()
        assert (await fresh.find(ward.well.name)).key == ward.well
        assert time.monotonic() - begun < DEADLINE


async def test_it_answers_again_once_its_target_does(ward: Ward, backend: LibvirtBackend) -> None:
    await backend.jobs([ward.hung])
    await asyncio.to_thread(ward.release)

    async def answers() -> bool:
        return (await backend.jobs([ward.hung]))[ward.hung] is None

    await eventually(answers)
    answering = {domain.key: domain.answering for domain in await backend.domains()}
    assert answering[ward.hung] and answering[ward.well]


async def test_closing_does_not_wait_for_it(ward: Ward) -> None:
    async with LibvirtBackend(SYSTEM) as other:
        await other.jobs([ward.hung])
        begun = time.monotonic()
    assert time.monotonic() - begun < DEADLINE


async def test_a_console_that_opens_now_lists_it_and_all_others(ward: Ward) -> None:
    async with LibvirtBackend(SYSTEM) as fresh:
        answering = {domain.key: domain.answering for domain in await fresh.domains()}
        assert (answering[ward.hung], answering[ward.well]) == (False, True)


async def test_it_is_found_by_its_name_all_the_same(ward: Ward) -> None:
    async with LibvirtBackend(SYSTEM) as fresh:
        found = await fresh.find(ward.hung.name)
        assert (found.key, found.answering) == (ward.hung, False)


async def test_what_starts_before_the_first_list_is_not_taken_for_all_there_is(
    domains: tuple[DomainKey, DomainKey], machines: Machines, fifo: Fifo
) -> None:
    hung, well = domains
    async with LibvirtBackend(SYSTEM) as fresh, fresh.events() as events:
        # Beside a domain that hangs, none might start.
        started = await asyncio.to_thread(machines.start, unique("started"))
        async with asyncio.timeout(PATIENCE):
            async for event in events:
                if isinstance(event, LifecycleEvent) and event.domain == started:
                    break
        dump = virsh_dump(SYSTEM, hung, fifo.path, "--memory-only")
        try:
            await eventually(partial(_blocked, hung, well))
            answering = {domain.key: domain.answering for domain in await fresh.domains()}
        finally:
            await asyncio.to_thread(Ward(hung, well, fifo, dump).release)
    assert (answering[hung], answering[well], answering[started]) == (False, True, True)


async def test_a_dump_of_ours_to_a_target_that_hangs_is_waited_for(
    machines: Machines, fifo: Fifo, backend: LibvirtBackend
) -> None:
    domain = machines.start(unique("hung"))
    record = await start_dump(backend, DumpRequest(domain, str(fifo.path)), overwrite=True)
    async with LibvirtBackend(SYSTEM) as fresh:
        waiting = asyncio.create_task(wait(fresh, domain))
        with pytest.raises(NotAnswering):
            await backend.job(domain)
        assert not waiting.done()
        fifo.release()
        outcome = await asyncio.wait_for(waiting, PATIENCE)
    assert (outcome.verdict, outcome.evidence, outcome.path) == (Verdict.COMPLETED, Evidence.RESULT, record.path)
