"""What becomes of a wait when something goes wrong: each fault, on each hypervisor, whoever started the dump.

Every verdict is held against the truth: what the dump's own call returned to whoever made it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from backend.base import Backend
from backend.dump_request import DumpFlags
from backend.errors import BackendError
from backend.files.inspect import inspect
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.running.start import start_dump
from tests.contract.harness import Harness, Release
from tests.contract.steps import PATIENCE, attach, dump_of, eventually

MIB = 48
"""Memory of the domain that is dumped."""
COMPLETED, FAILED, CANCELLED = Verdict.COMPLETED, Verdict.FAILED, Verdict.CANCELLED
RESULT, SHARED, FILE, LIFECYCLE = Evidence.RESULT, Evidence.SHARED, Evidence.FILE, Evidence.LIFECYCLE
HYPERVISOR, STATS = Evidence.HYPERVISOR, Evidence.STATS


@dataclass
class Scene:
    """A dump that is under way, and those who look at it."""

    harness: Harness
    backend: Backend
    domain: DomainKey
    path: Path
    record: JobRecord | None
    release: Release
    requester: asyncio.subprocess.Process | None = None
    """The command that asked for it, where that is a process of its own."""


Act = Callable[[Scene], Awaitable[None]]


async def nothing(scene: Scene) -> None:
    """The dump is left in peace."""


async def kill_the_runner(scene: Scene) -> None:
    assert scene.record is not None
    os.kill(scene.record.pid, signal.SIGKILL)


async def kill_the_requester(scene: Scene) -> None:
    if scene.requester is None:
        await scene.harness.kill_foreign()
    else:
        scene.requester.kill()
        await scene.requester.wait()


async def destroy(scene: Scene) -> None:
    await scene.harness.destroy(scene.domain)


async def kill_qemu(scene: Scene) -> None:
    await scene.harness.crash(scene.domain)


async def abort(scene: Scene) -> None:
    await scene.backend.abort(scene.domain)


async def abort_too_late(scene: Scene) -> None:
    await scene.release(closing=True)
    await eventually(partial(_closing, scene))
    with contextlib.suppress(BackendError):
        await scene.backend.abort(scene.domain)


async def _closing(scene: Scene) -> bool:
    stats = await scene.backend.job(scene.domain)
    return stats is not None and stats.closing


async def dump_again_at_once(scene: Scene) -> None:
    # It waits for the domain's lock, and begins within milliseconds of the end of the first.
    await scene.harness.queue_foreign_dump(scene.domain, scene.path.with_name("second"))


@dataclass(frozen=True)
class Fault:
    """One row: what happens, and what a waiter must say, with which evidence."""

    name: str
    act: Act
    ours: tuple[Verdict, Evidence] | None
    """For a dump that virt-jobs started; None where the row is about others only."""
    foreign: set[tuple[Verdict, Evidence]] | None
    """The same, where more than one answer is true, for one that ``virsh dump`` started."""
    format: str = "elf"
    flags: DumpFlags = DumpFlags.NONE
    paused: bool = False
    readonly: bool = False
    full_disk: bool = False
    stale: bool = False
    """Whether an earlier dump left its completed stats behind."""
    stranger: bool = False
    """Whether the waiter has another journal than whoever started the dump: another user, or another host."""


FAULTS = [
    Fault("success as elf", nothing, (COMPLETED, RESULT), {(COMPLETED, FILE)}),
    Fault("success as kdump-zlib", nothing, (COMPLETED, RESULT), {(COMPLETED, FILE)}, format="kdump-zlib"),
    Fault("success as raw", nothing, (COMPLETED, RESULT), {(COMPLETED, FILE)}, format="raw"),
    Fault("read-only waiter", nothing, (COMPLETED, RESULT), {(COMPLETED, FILE)}, readonly=True),
    Fault("waiter of another user", nothing, (COMPLETED, SHARED), None, stranger=True),
    Fault("disk full, waiter of another user", nothing, (FAILED, SHARED), None, full_disk=True, stranger=True),
    Fault("already paused guest", nothing, (COMPLETED, RESULT), {(COMPLETED, FILE)}, paused=True),
    Fault("--crash", nothing, (COMPLETED, RESULT), {(COMPLETED, FILE), (COMPLETED, LIFECYCLE)}, flags=DumpFlags.CRASH),
    Fault("requester killed", kill_the_requester, (COMPLETED, RESULT), {(COMPLETED, FILE)}),
    Fault("runner killed", kill_the_runner, (COMPLETED, FILE), None),
    Fault("runner killed, raw", kill_the_runner, (COMPLETED, FILE), None, format="raw"),
    Fault(
        "disk full", nothing, (FAILED, RESULT), {(FAILED, HYPERVISOR), (FAILED, STATS), (FAILED, FILE)}, full_disk=True
    ),
    Fault("disk full, raw", nothing, (FAILED, RESULT), {(FAILED, FILE)}, format="raw", full_disk=True),
    Fault(
        "disk full, read-only waiter",
        nothing,
        (FAILED, RESULT),
        {(FAILED, STATS), (FAILED, FILE)},
        full_disk=True,
        readonly=True,
    ),
    Fault(
        "disk full, stale completed stats",
        nothing,
        (FAILED, RESULT),
        {(FAILED, HYPERVISOR), (FAILED, STATS), (FAILED, FILE)},
        full_disk=True,
        stale=True,
    ),
    Fault("domain destroyed", destroy, (FAILED, RESULT), {(FAILED, LIFECYCLE), (FAILED, FILE)}),
    Fault("domain destroyed, raw", destroy, (FAILED, RESULT), {(FAILED, LIFECYCLE), (FAILED, FILE)}, format="raw"),
    Fault("QEMU killed", kill_qemu, (FAILED, RESULT), {(FAILED, LIFECYCLE), (FAILED, FILE)}),
    Fault("aborted", abort, (CANCELLED, RESULT), {(CANCELLED, STATS), (FAILED, FILE)}, format="raw"),
    Fault("aborted too late", abort_too_late, (COMPLETED, RESULT), {(COMPLETED, FILE)}, format="raw"),
    Fault("followed by another dump", dump_again_at_once, (COMPLETED, RESULT), {(COMPLETED, FILE)}),
    Fault(
        "followed by another dump, paused", dump_again_at_once, (COMPLETED, RESULT), {(COMPLETED, FILE)}, paused=True
    ),
]
ROWS = [
    pytest.param(fault, initiator, id=f"{fault.name}-{initiator}")
    for fault in FAULTS
    for initiator in ("ours", "foreign")
    if getattr(fault, initiator) is not None
]


@pytest.mark.parametrize(("fault", "initiator"), ROWS)
async def test_the_verdict_is_the_truth(harness: Harness, fault: Fault, initiator: str, tmp_path: Path) -> None:
    uri, path = harness.uri, harness.folder / "dump"
    if fault.full_disk:
        uri, path = await harness.full_disk(MIB // 2)
    domain = await harness.running("vm", MIB, fault.paused, filled=True)
    journal = Journal(tmp_path / "another.db") if fault.stranger else None
    async with (
        harness.backend(uri=uri) as backend,
        harness.backend(fault.readonly, uri) as watching,
        harness.held(path) as release,
    ):
        if fault.stale:
            await _leave_completed_stats(harness, domain)
        record, requester = None, None
        request = dump_of(domain, path, fault.format)
        request = replace(request, flags=request.flags | fault.flags)
        if initiator == "foreign":
            await harness.foreign_dump(domain, path, request.format, request.flags, uri)
        elif fault.act is kill_the_requester:
            requester = await _command(uri, "dump", domain.uuid, str(path))
            record = await eventually(partial(_running_record, backend, domain))
        else:
            record = await start_dump(backend, request)
        waiting = await attach(watching, domain, journal=journal)
        await fault.act(Scene(harness, backend, domain, path, record, release, requester))
        await release()
        outcome = await asyncio.wait_for(waiting, PATIENCE)
        await _hold_against_the_truth(harness, backend, fault, record, outcome)
    # A domain may be gone before the file of someone else's dump was found.
    assert outcome.path in ({str(path)} if outcome.verdict is COMPLETED else {str(path), None})


async def _command(uri: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "-c", uri, *arguments, stdout=asyncio.subprocess.DEVNULL
    )


async def _running_record(backend: Backend, domain: DomainKey) -> JobRecord | None:
    job = await backend.job(domain)
    return next(iter(Journal().pending(domain.uuid)), None) if job else None


async def _leave_completed_stats(harness: Harness, domain: DomainKey) -> None:
    async with harness.backend() as backend:
        record = await start_dump(backend, dump_of(domain, harness.folder / "earlier", "raw"))
        assert (await wait(backend, domain, record=record)).verdict is COMPLETED
        assert await backend.last_job(domain) is not None


async def _hold_against_the_truth(
    harness: Harness, backend: Backend, fault: Fault, record: JobRecord | None, outcome: Outcome
) -> None:
    found = (outcome.verdict, outcome.evidence)
    if record is not None:
        assert found == fault.ours, outcome
        if outcome.evidence in (RESULT, SHARED):
            kept = Journal().read(record.id)
            assert kept is not None
            assert kept.state == outcome.verdict.value
    else:
        assert fault.foreign is not None
        assert found in fault.foreign, outcome
        if fault.act is kill_the_requester:
            assert inspect(outcome.path or "").whole
        else:
            assert await harness.foreign_succeeded() is (outcome.verdict is COMPLETED)


def _cell(expected: tuple[Verdict, Evidence] | set[tuple[Verdict, Evidence]] | None) -> str:
    found = sorted(expected) if isinstance(expected, set) else [expected] if expected else []
    return " or ".join(f"{verdict} ({evidence})" for verdict, evidence in found) or "-"


def test_the_table_on_the_page_is_this_one() -> None:
    lines = [f"| {fault.name} | {_cell(fault.ours)} | {_cell(fault.foreign)} |" for fault in FAULTS]
    page = Path(__file__).parents[2].joinpath("docs/verdicts.md").read_text()
    assert "\n".join(lines) in page, "put these lines into docs/verdicts.md:\n" + "\n".join(lines)
