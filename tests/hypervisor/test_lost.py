"""A daemon that dies, comes back, or does not answer at all."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from backend.backoff import Backoff
from backend.errors import NoConnection
from backend.event_stream import EventStream
from backend.events import ConnectionEvent, Lifecycle, LifecycleEvent
from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.connection import connect
from backend.libvirt.connection.pool import DEADLINE
from backend.libvirt.host.formats import built_in
from tests.contract.steps import PATIENCE
from tests.eventually import eventually
from tests.hypervisor.daemon import Machines, PrivateDaemon, unique

pytestmark = pytest.mark.hypervisor


async def told(events: EventStream, connected: bool) -> ConnectionEvent:
    async with asyncio.timeout(30):
        async for event in events:
            if isinstance(event, ConnectionEvent) and event.connected is connected:
                return event
    raise AssertionError("the stream ended")


def is_lost(backend: LibvirtBackend) -> bool:
    try:
        backend._polling.check()
    except NoConnection:
        return True
    return False


async def test_a_lost_connection_is_told_and_refuses_calls_at_once(daemon: PrivateDaemon) -> None:
    async with LibvirtBackend(daemon.uri) as backend, backend.events() as events:
        daemon.kill()
        assert (await told(events, connected=False)).reason
        begun = time.monotonic()
        with pytest.raises(NoConnection, match=r"no connection to qemu\+unix"):
            await backend.domains()
        assert time.monotonic() - begun < DEADLINE  # No call was tried.


async def test_it_tells_when_it_tries_again_and_tries_sooner_if_told_to(daemon: PrivateDaemon) -> None:
    async with LibvirtBackend(daemon.uri) as backend, backend.events() as events:
        backend._pauses = Backoff(1000.0, 1000.0)
        assert backend.until_retry is None
        daemon.kill()
        await told(events, connected=False)
        await asyncio.to_thread(daemon.start)
        assert backend.until_retry is not None
        assert 900 < backend.until_retry <= 1000
        backend.retry()
        await told(events, connected=True)
        assert backend.until_retry is None


async def test_it_comes_back_with_the_daemon_and_the_same_stream_goes_on(daemon: PrivateDaemon) -> None:
    async with LibvirtBackend(daemon.uri) as backend, backend.events() as events:
        daemon.kill()
        await told(events, connected=False)
        await asyncio.to_thread(daemon.start)
        await told(events, connected=True)
        with Machines(daemon.uri) as machines:
            domain = await asyncio.to_thread(machines.start, unique("vm"))
            assert (await backend.find(domain.name)).key == domain
            async for event in events:
                if isinstance(event, LifecycleEvent) and event.event is Lifecycle.STARTED:
                    assert event.domain == domain
                    break
            await asyncio.to_thread(machines.destroy, domain)


async def test_it_comes_back_also_where_it_is_lost_again_while_it_does(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LibvirtBackend(daemon.uri) as backend, backend.events() as events:
        emulators: list[str] = []

        def lose_it_again(emulator: str) -> frozenset[str] | None:
            if not emulators:
                daemon.kill()
                eventually(lambda: is_lost(backend))
            emulators.append(emulator)
            return built_in(emulator)

        # The last thing that is looked at when it is back, and nothing of the daemon's.
        monkeypatch.setattr("backend.libvirt.identity.built_in", lose_it_again)
        # A daemon that probes QEMU on a busy machine may take longer, and then it is not looked at.
        monkeypatch.setattr("backend.libvirt.backend._OPTIONAL_DEADLINE", PATIENCE)
        daemon.kill()
        await asyncio.to_thread(daemon.start)
        await asyncio.to_thread(eventually, lambda: bool(emulators), PATIENCE)
        await asyncio.to_thread(daemon.start)
        await told(events, connected=True)
        assert await backend.domains() == []


async def test_a_domain_is_the_same_one_after_the_daemon_was_killed(daemon: PrivateDaemon) -> None:
    with Machines(daemon.uri) as machines:
        domain = await asyncio.to_thread(machines.start, unique("vm"), 32, True)
        async with LibvirtBackend(daemon.uri) as backend, backend.events() as events:
            daemon.kill()
            await told(events, connected=False)
            await asyncio.to_thread(daemon.start)
            await told(events, connected=True)
            assert await backend.job(domain) is None
            await backend.resume(domain)
    with Machines(daemon.uri) as machines:
        await asyncio.to_thread(machines.destroy, domain)


async def test_a_daemon_that_stopped_answering_is_no_connection_in_time(daemon: PrivateDaemon) -> None:
    daemon.signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        with pytest.raises(NoConnection, match="no answer within 5 s; is its libvirtd up"):
            await LibvirtBackend(daemon.uri).open()
        assert time.monotonic() - begun < 2 * DEADLINE  # It was tried once.
    finally:
        daemon.signal(signal.SIGCONT)


async def test_a_daemon_that_stops_answering_while_it_is_watched_is_a_lost_one(
    daemon: PrivateDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "KEEPALIVE", (1, 1))
    async with LibvirtBackend(daemon.uri) as backend, backend.events() as events:
        daemon.signal(signal.SIGSTOP)
        try:
            assert (await told(events, connected=False)).reason == "the daemon does not answer any more"
        finally:
            daemon.signal(signal.SIGCONT)
        await told(events, connected=True)
        assert await backend.domains() == []


async def test_no_daemon_is_one_line_at_once(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(NoConnection) as refused:
        await LibvirtBackend(f"qemu+unix:///system?socket={tmp_path}/none").open()
    assert time.monotonic() - begun < DEADLINE
    assert "No such file or directory; no libvirt daemon listens on that socket" in refused.value.message
    assert "\n" not in refused.value.message
