"""What a real daemon says of domains, and which run of a domain is meant."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from backend.errors import DomainNotRunning, NoSuchDomain, NotPermitted
from backend.events import Lifecycle, LifecycleEvent
from backend.libvirt.backend import LibvirtBackend
from backend.model import Domain, DomainKey, DomainState
from backend.observing.views import Changes
from backend.observing.watcher import Watcher
from backend.text import clean
from tests.contract.steps import eventually
from tests.hypervisor.daemon import HOSTILE, SYSTEM, Machines, unique

pytestmark = pytest.mark.hypervisor


async def listed(backend: LibvirtBackend, domain: DomainKey) -> Domain:
    return next(found for found in await backend.domains() if found.key.uuid == domain.uuid)


async def test_a_hostile_name_is_cleaned_and_found_as_it_is_and_as_it_is_shown(
    machines: Machines, backend: LibvirtBackend
) -> None:
    name = unique(HOSTILE)
    domain = machines.start(name)
    assert (await listed(backend, domain)).name == clean(name) != name
    assert (await backend.find(name)).key == (await backend.find(clean(name))).key == domain


async def test_it_lists_what_virsh_lists(machines: Machines, backend: LibvirtBackend) -> None:
    running, off = machines.start(unique("running")), machines.define(unique("off"))
    known = {domain.key.uuid for domain in await backend.domains()}
    command = ["virsh", "-q", "-c", SYSTEM, "list", "--all", "--uuid"]
    told = (await asyncio.to_thread(subprocess.check_output, command, text=True)).split()
    assert {running.uuid, off.uuid} <= known & set(told)


async def test_running_domains_come_first_by_their_id(machines: Machines, backend: LibvirtBackend) -> None:
    machines.define(unique("off"))
    machines.start(unique("one"))
    machines.start(unique("two"))
    ids = [domain.key.id for domain in await backend.domains()]
    running = [id for id in ids if id is not None]
    assert ids[: len(running)] == running == sorted(running)


async def test_the_reason_for_a_state_is_virshs_word(machines: Machines, backend: LibvirtBackend) -> None:
    domain = machines.start(unique("vm"), paused=True)
    machines.handle(domain).resume()
    machines.handle(domain).suspend()
    found = await listed(backend, domain)
    assert (found.state, found.reason) == (DomainState.PAUSED, "user")


async def test_a_domain_that_was_renamed_is_the_same_under_its_new_name(
    machines: Machines, backend: LibvirtBackend
) -> None:
    old, new = unique("old"), unique("new")
    domain = machines.define(old)
    reports: list[Changes] = []
    async with backend.events() as events:
        watching = asyncio.create_task(Watcher(backend).run(reports.append))
        try:
            await eventually(lambda: _reported(reports, domain, old))
            command = ["virsh", "-q", "-c", SYSTEM, "domrename", old, new]
            await asyncio.to_thread(subprocess.check_output, command)
            await eventually(lambda: _reported(reports, domain, new))
        finally:
            watching.cancel()
        told = []
        while len(told) < 2:
            event = await anext(events)
            if isinstance(event, LifecycleEvent) and event.domain.uuid == domain.uuid and event.detail == "renamed":
                told.append((event.event, event.domain.name))
    assert told == [(Lifecycle.UNDEFINED, old), (Lifecycle.DEFINED, new)]
    assert not any(domain.uuid in report.removed for report in reports)
    assert (await backend.find(new)).key == domain
    with pytest.raises(NoSuchDomain):
        await backend.find(old)
    booted = machines.boot(domain)
    assert (await backend.find(str(booted.id))).name == new


async def _reported(reports: list[Changes], domain: DomainKey, name: str) -> bool:
    views = (view.domain for report in reports for view in report.changed)
    return any(view.key.uuid == domain.uuid and view.name == name for view in views)


async def test_a_run_is_over_when_its_domain_was_started_anew(machines: Machines, backend: LibvirtBackend) -> None:
    off = machines.define(unique("vm"))
    first = machines.boot(off)
    assert await backend.job(first) is None
    machines.destroy(first)
    second = machines.boot(off)
    with pytest.raises(NoSuchDomain, match="started anew"):
        await eventually_over(backend, first)
    assert await backend.job(second) is None


async def test_a_persistent_domain_that_stopped_is_not_running(machines: Machines, backend: LibvirtBackend) -> None:
    domain = machines.boot(machines.define(unique("vm")))
    assert await backend.job(domain) is None
    machines.destroy(domain)
    with pytest.raises(DomainNotRunning, match="is not running"):
        await backend.job(domain)


async def test_a_transient_domain_that_stopped_is_gone(machines: Machines, backend: LibvirtBackend) -> None:
    domain = machines.start(unique("vm"))
    assert await backend.job(domain) is None
    machines.destroy(domain)
    with pytest.raises(NoSuchDomain):
        await backend.job(domain)


async def test_lifecycle_events_have_virshs_words(machines: Machines, backend: LibvirtBackend) -> None:
    async with backend.events() as events:
        domain = machines.start(unique("vm"))
        machines.handle(domain).suspend()
        machines.handle(domain).resume()
        machines.destroy(domain)
        told: list[tuple[Lifecycle, str]] = []
        async for event in events:
            if isinstance(event, LifecycleEvent) and event.domain.uuid == domain.uuid:
                if event.event is not Lifecycle.SHUTDOWN:  # QEMU's own farewell, which it may not get to say.
                    told.append((event.event, event.detail))
                if event.event is Lifecycle.STOPPED:
                    break
    assert told == [
        (Lifecycle.RESUMED, "unpaused"),
        (Lifecycle.STARTED, "booted"),
        (Lifecycle.SUSPENDED, "paused"),
        (Lifecycle.RESUMED, "unpaused"),
        (Lifecycle.STOPPED, "destroyed"),
    ]


async def test_a_read_only_connection_sees_and_may_not_touch(machines: Machines, readonly: LibvirtBackend) -> None:
    domain = machines.start(unique("vm"), paused=True)
    assert await readonly.job(domain) is None
    with pytest.raises(NotPermitted) as refused:
        await readonly.resume(domain)
    assert refused.value.code == 29
    assert (await listed(readonly, domain)).state is DomainState.PAUSED


async def eventually_over(backend: LibvirtBackend, domain: DomainKey) -> None:
    """Ask for the job until that raises: libvirt tells of a new run a moment after it has begun."""

    async def never() -> bool:
        await backend.job(domain)
        return False

    await eventually(never)
