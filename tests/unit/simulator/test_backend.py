"""The contract over a simulator whose clock the test sets: nothing here waits for a job's length."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import (
    DomainBusy,
    DomainNotRunning,
    NoConnection,
    NoJob,
    NoSuchDomain,
    NotSupported,
    OperationCancelled,
    OperationFailed,
)
from backend.event_stream import EventStream
from backend.events import DumpEvent, Event, LifecycleEvent
from backend.model import Domain, DomainState
from backend.simulator import SimulatorBackend
from backend.simulator.store import path_of
from tests.unit.simulator.conftest import Clock, Open, until

URI = "sim:///lab?domains=3&memory=1000&rate=100"
"""A dump takes 10 seconds and half a second more to close its file."""
LENGTH, CLOSING = 10.0, 0.6
MARKER = b"TestGuestMagic_"


async def first(backend: SimulatorBackend) -> Domain:
    return (await backend.domains())[0]


async def request(backend: SimulatorBackend, path: Path, flags: DumpFlags = DumpFlags.MEMORY_ONLY) -> DumpRequest:
    return DumpRequest((await first(backend)).key, str(path), DumpFormat.RAW, flags)


async def begun(backend: SimulatorBackend, asked: DumpRequest) -> asyncio.Task[None]:
    """The dump call, once its file is there."""
    call = asyncio.create_task(backend.call_dump(asked))
    await until(lambda: Path(asked.path).exists() or call.done())
    return call


async def test_the_call_returns_when_the_plan_ends(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend = await open_simulator(URI)
    call = await begun(backend, await request(backend, tmp_path / "dump"))
    clock.advance(LENGTH)
    assert (await first(backend)).paused_by == "dump" and not call.done()
    clock.advance(CLOSING)
    await asyncio.wait_for(call, 30)
    assert (await first(backend)).state is DomainState.RUNNING


@pytest.mark.parametrize("dump_format", [*DumpFormat])
async def test_a_whole_file_is_marker_and_memory(
    open_simulator: Open, clock: Clock, tmp_path: Path, dump_format: DumpFormat
) -> None:
    backend, path = await open_simulator(URI), tmp_path / "dump"
    await backend.begin_dump(DumpRequest((await first(backend)).key, str(path), dump_format))
    assert path.read_bytes() == MARKER + str(int(dump_format)).encode()
    clock.advance(LENGTH + CLOSING)
    await backend.domains()
    assert path.stat().st_size == len(MARKER) + 1 + 1000 * 2**20
    assert path.stat().st_blocks * 512 < 2**20


async def test_the_job_goes_on_without_whoever_called(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend, path = await open_simulator(URI), tmp_path / "dump"
    call = await begun(backend, await request(backend, path))
    call.cancel()
    await backend.close()
    clock.advance(LENGTH + CLOSING)
    later = await open_simulator(URI)
    assert (await first(later)).state is DomainState.RUNNING
    assert path.stat().st_size > 1000 * 2**20


async def test_an_abort_ends_the_call(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend, path = await open_simulator(URI), tmp_path / "dump"
    call = await begun(backend, await request(backend, path, DumpFlags.NONE))
    clock.advance(1)
    await backend.abort((await first(backend)).key)
    clock.advance(1)
    with pytest.raises(OperationCancelled) as cancelled:
        await call
    assert cancelled.value.code == 78
    assert not path.exists()


async def test_an_abort_by_another_process_ends_it_too(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend, other = await open_simulator(URI), await open_simulator("sim:///lab")
    call = await begun(backend, await request(backend, tmp_path / "dump", DumpFlags.NONE))
    clock.advance(1)
    await other.abort((await first(other)).key)
    clock.advance(1)
    with pytest.raises(OperationCancelled):
        await call


async def test_a_destroyed_domain_ends_it(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend, path = await open_simulator(URI), tmp_path / "dump"
    call = await begun(backend, await request(backend, path))
    await backend.destroy((await first(backend)).key)
    with pytest.raises(OperationFailed, match="domain is not running") as failed:
        await call
    assert failed.value.code == 9
    assert not path.exists()


async def test_a_failed_dump_keeps_a_file_that_it_did_not_make(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend, path = await open_simulator(URI), tmp_path / "dump"
    path.write_text("an older dump")
    await backend.begin_dump(await request(backend, path))
    await backend.destroy((await first(backend)).key)
    assert path.read_bytes() == MARKER + b"0"


async def test_a_file_that_cannot_be_finished_fails_the_dump(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend, path = await open_simulator(URI), tmp_path / "dump"
    call = await begun(backend, await request(backend, path))
    path.unlink()
    clock.advance(LENGTH + CLOSING)
    with pytest.raises(OperationFailed, match="No such file or directory"):
        await call


async def test_a_file_that_took_its_place_is_left_alone(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend, path = await open_simulator(URI), tmp_path / "dump"
    call = await begun(backend, await request(backend, path))
    path.unlink()
    path.write_text("precious")
    clock.advance(LENGTH + CLOSING)
    with pytest.raises(OperationFailed, match="Stale file handle"):
        await call
    assert path.read_text() == "precious"


async def test_a_pipe_holds_nothing_up(open_simulator: Open, tmp_path: Path) -> None:
    backend = await open_simulator(URI)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OperationFailed, match="Failed to create file") as failed:
        await backend.call_dump(await request(backend, tmp_path / "pipe"))
    assert failed.value.code == 38


@pytest.mark.parametrize(
    ("dump_format", "flags", "code", "message"),
    [
        (DumpFormat.KDUMP_ZLIB, DumpFlags.NONE, 84, "only supported with memory-only dump"),
        (DumpFormat.RAW, DumpFlags.CRASH | DumpFlags.LIVE, 8, "'VIR_DUMP_CRASH' and 'VIR_DUMP_LIVE' are mutually"),
        (DumpFormat.RAW, DumpFlags.CRASH | DumpFlags.RESET, 8, "'VIR_DUMP_CRASH' and 'VIR_DUMP_RESET' are mutually"),
        (DumpFormat.RAW, DumpFlags.LIVE | DumpFlags.RESET, 8, "'VIR_DUMP_LIVE' and 'VIR_DUMP_RESET' are mutually"),
    ],
)
async def test_illegal_pairs_get_libvirts_errors(
    open_simulator: Open, tmp_path: Path, dump_format: DumpFormat, flags: DumpFlags, code: int, message: str
) -> None:
    backend = await open_simulator(URI)
    with pytest.raises(NotSupported, match=message) as refused:
        await backend.call_dump(DumpRequest((await first(backend)).key, str(tmp_path / "dump"), dump_format, flags))
    assert refused.value.code == code
    assert not (tmp_path / "dump").exists()


async def test_a_busy_domain_takes_no_second_job(open_simulator: Open, tmp_path: Path) -> None:
    backend = await open_simulator(URI)
    await backend.begin_dump(await request(backend, tmp_path / "one"))
    with pytest.raises(DomainBusy, match="cannot acquire state change lock") as busy:
        await backend.call_dump(await request(backend, tmp_path / "two"))
    assert busy.value.code == 68
    assert not (tmp_path / "two").exists()


async def test_a_domain_that_is_dumped_cannot_be_resumed(open_simulator: Open, tmp_path: Path) -> None:
    backend = await open_simulator(URI)
    await backend.begin_dump(await request(backend, tmp_path / "dump"))
    with pytest.raises(DomainBusy):
        await backend.resume((await first(backend)).key)


async def test_a_dump_takes_the_place_of_what_was_only_planned(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend = await open_simulator("sim:///demo")
    key = (await backend.find("cache-01")).key
    while await backend.job(key) is not None:
        clock.advance(0.5)
    await backend.begin_dump(DumpRequest(key, str(tmp_path / "dump")))
    assert await backend.job(key) is not None


async def test_a_new_run_is_another_identity(open_simulator: Open) -> None:
    backend = await open_simulator(URI)
    old = (await first(backend)).key
    await backend.destroy(old)
    with pytest.raises(DomainNotRunning):
        await backend.job(old)
    new = await backend.start((await first(backend)).key)
    assert (new.uuid, new.id) != (old.uuid, old.id) and new.uuid == old.uuid
    with pytest.raises(NoSuchDomain):
        await backend.job(old)
    assert isinstance((await backend.jobs([old]))[old], NoSuchDomain)


async def test_there_is_nothing_to_abort_once_it_is_over(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend = await open_simulator(URI)
    await backend.begin_dump(await request(backend, tmp_path / "dump", DumpFlags.NONE))
    clock.advance(LENGTH + CLOSING)
    with pytest.raises(NoJob, match="no job is active"):
        await backend.abort((await first(backend)).key)


async def told(events: EventStream, count: int) -> list[Event]:
    async with asyncio.timeout(30):
        return [await anext(events) for _ in range(count)]


async def test_another_process_is_told_once_each_and_in_order(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend, other = await open_simulator(URI), await open_simulator(URI)
    async with other.events() as events:
        await backend.begin_dump(await request(backend, tmp_path / "dump"))
        clock.advance(LENGTH + CLOSING)
        seen = await told(events, 3)
        await backend.destroy((await first(backend)).key)
        seen += await told(events, 1)
    details = [event.detail if isinstance(event, LifecycleEvent) else type(event).__name__ for event in seen]
    assert details == ["paused", "DumpEvent", "unpaused", "destroyed"]


async def test_the_monitor_is_not_for_read_only_connections(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend, readonly = await open_simulator(URI), await open_simulator(URI, True)
    async with readonly.events() as events:
        await backend.begin_dump(await request(backend, tmp_path / "dump"))
        clock.advance(LENGTH + CLOSING)
        assert not any(isinstance(event, DumpEvent) for event in await told(events, 2))


async def test_a_stream_hears_nothing_from_before_its_creation(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend = await open_simulator(URI)
    await backend.begin_dump(await request(backend, tmp_path / "dump"))
    async with backend.events() as events:
        await backend.destroy((await first(backend)).key)
        (event,) = await told(events, 1)
    assert isinstance(event, LifecycleEvent) and event.detail == "destroyed"


async def test_a_closed_simulator_is_no_connection(open_simulator: Open) -> None:
    backend = await open_simulator(URI)
    await backend.close()
    with pytest.raises(NoConnection):
        await backend.domains()
    with pytest.raises(NoConnection):
        backend.events()


async def test_the_file_is_for_its_user_alone(open_simulator: Open) -> None:
    await open_simulator(URI)
    assert path_of("lab").stat().st_mode & 0o777 == 0o600


async def test_a_file_that_is_no_simulators_is_named(open_simulator: Open) -> None:
    path = path_of("broken")
    path.parent.mkdir(parents=True)
    path.write_text("something else entirely, and long enough to be looked at as a database" * 20)
    with pytest.raises(NoConnection, match=r"broken\.db"):
        await open_simulator("sim:///broken")
