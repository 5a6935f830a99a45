"""Backups, guests that fail, and what libvirt does then, over a simulator whose clock the test sets."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from backend.dump_request import AutomaticDump, DumpCause, DumpRequest
from backend.errors import NoConnection, OperationFailed
from backend.event_stream import EventStream
from backend.events import DumpEvent, JobEvent, Lifecycle, LifecycleEvent
from backend.job_stats import JobType
from backend.model import DomainKey, DomainState, JobOperation
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from backend.simulator.store import path_of
from tests.unit.simulator.conftest import Clock, Open
from tests.unit.simulator.lab import MEMORY, URI, state_of, stats_of, told

# Backups


async def test_a_push_backup_counts_its_disks_and_says_that_it_succeeded(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream
) -> None:
    await backend.begin_backup(domain)
    clock.advance(5)
    stats = await stats_of(backend, domain)
    assert 0 < (stats.disk_processed or 0) < (stats.disk_total or 0)
    assert not stats.pull_backup
    clock.advance(20)
    [ended] = [event.stats for event in await told(backend, events) if isinstance(event, JobEvent)]
    assert (ended.success, ended.errmsg) == (True, None)


async def test_a_push_backup_into_a_full_disk_says_why_it_failed(
    open_simulator: Open, domain: DomainKey, clock: Clock
) -> None:
    full = await open_simulator(f"{URI}&fail=disk-full")
    await full.begin_backup(domain)
    clock.advance(20)
    last = await full.last_job(domain)
    assert last is not None and (last.success, last.errmsg) == (False, "No space left on device")


async def test_a_pull_backup_goes_on_until_it_is_aborted_and_calls_that_a_success(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream
) -> None:
    await backend.begin_backup(domain, pull=True)
    clock.advance(5)
    early = await stats_of(backend, domain)
    clock.advance(3600)
    stats = await stats_of(backend, domain)
    assert early.pull_backup and (stats.memory_total, stats.disk_total) == (None, None)
    assert 0 < (early.disk_temp_used or 0) < (stats.disk_temp_used or 0) < (stats.disk_temp_total or 0)
    await backend.abort(domain)
    clock.advance(1)
    assert await backend.job(domain) is None
    [ended] = [event.stats for event in await told(backend, events) if isinstance(event, JobEvent)]
    assert (ended.type, ended.success, ended.errmsg) == (JobType.COMPLETED, True, "Operation canceled")
    assert ended.pull_backup


# Faults


async def test_an_io_error_pauses_the_guest_until_someone_resumes_it(
    backend: SimulatorBackend, domain: DomainKey, events: EventStream
) -> None:
    await backend.fail_io(domain)
    assert await state_of(backend, domain) == (DomainState.PAUSED, "I/O error")
    assert await backend.io_errors(domain) == ["vda: no space left"]
    with pytest.raises(OperationFailed):
        await backend.fail_io(domain)
    await backend.resume(domain)
    assert not await backend.io_errors(domain)
    assert await told(backend, events) == [
        LifecycleEvent(domain, Lifecycle.SUSPENDED, "I/O error"),
        LifecycleEvent(domain, Lifecycle.RESUMED, "unpaused"),
    ]


async def test_a_dump_that_somebody_asks_for_is_not_libvirts(
    backend: SimulatorBackend, domain: DomainKey, tmp_path: Path
) -> None:
    assert await backend.automatic_dump(domain) is None
    await backend.begin_dump(DumpRequest(domain, str(tmp_path / "dump")))
    assert await backend.automatic_dump(domain) is None


@pytest.mark.parametrize("restart", [True, False])
async def test_libvirt_dumps_a_guest_that_panics(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream, restart: bool
) -> None:
    await backend.panic(domain, restart)
    clock.advance(5)
    stats = await stats_of(backend, domain)
    assert (stats.operation, stats.memory_total) == (JobOperation.DUMP, MEMORY)
    assert await state_of(backend, domain) == (DomainState.CRASHED, "panicked")
    assert await backend.dump_target(domain) is not None
    path = path_of("lab").with_name("lab-dumps") / "vm-01"
    assert await backend.automatic_dump(domain) == AutomaticDump(DumpCause.PANIC, str(path))
    clock.advance(20)
    after = (DomainState.RUNNING, "crashed") if restart else (DomainState.SHUTOFF, "crashed")
    assert await state_of(backend, domain) == after
    assert path.stat().st_size > MEMORY and path.stat().st_blocks * 512 < MIB
    assert path.stat().st_mode & 0o777 == 0o600
    last = LifecycleEvent(domain, Lifecycle.RESUMED, "unpaused")
    if not restart:
        last = LifecycleEvent(DomainKey(domain.uuid, None, "vm-01"), Lifecycle.STOPPED, "crashed")
    assert await told(backend, events) == [
        LifecycleEvent(domain, Lifecycle.CRASHED, "panicked"),
        DumpEvent(domain, True, ""),
        last,
    ]


async def test_without_its_dump_the_guest_is_left_as_it_crashed(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock
) -> None:
    path_of("lab").with_name("lab-dumps").write_text("in the way of the folder")
    await backend.panic(domain)
    clock.advance(20)
    assert await backend.job(domain) is None
    assert await state_of(backend, domain) == (DomainState.CRASHED, "panicked")


async def test_a_guest_that_panics_over_a_full_disk(open_simulator: Open, domain: DomainKey, clock: Clock) -> None:
    full = await open_simulator(f"{URI}&fail=disk-full")
    await full.panic(domain)
    clock.advance(20)
    assert await full.job(domain) is None
    assert await state_of(full, domain) == (DomainState.CRASHED, "panicked")


async def test_a_file_of_an_older_version_is_named(open_simulator: Open) -> None:
    await (await open_simulator("sim:///old?domains=1")).close()
    with contextlib.closing(sqlite3.connect(path_of("old"))) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(NoConnection, match=r"another version of virt-jobs wrote it \(schema 1\); remove it"):
        await open_simulator("sim:///old")
