"""Jobs and domains in states that are not the usual ones, as the user sees them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.base import Backend
from backend.dump_request import DumpRequest
from backend.model import DomainKey, DomainState
from backend.observing.wait import wait
from backend.outcome import Outcome, Verdict
from backend.records import process
from backend.records.history import History
from backend.records.record import RecordState
from backend.simulator import SimulatorBackend
from backend.simulator.store import Store
from tests.simulator_hold import Hold, outage
from tests.tui.console import console
from tui.config.values import Config, Dumps

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("listed_often")]

QUIET = "sim:///quiet?domains=3&jobs=0&memory=64"


def leave_paused(name: str, reason: str = "dumping") -> None:
    """What a daemon that died in a dump leaves behind, as libvirt 9.0.0 tells it: paused, dumping, and no job."""
    store = Store("quiet")
    try:
        machine = next(machine for machine in store.machines() if machine.name == name)
        store.put_machines([replace(machine, state=DomainState.PAUSED, reason=reason)])
    finally:
        store.close()


async def test_a_domain_that_a_dump_left_paused_is_marked_and_r_resumes_it() -> None:
    async with console(QUIET, size=(140, 36)) as user:
        await user.sees("▌ vm-01")
        leave_paused("vm-02")
        await user.sees(
            "vm-02 left paused by a dump that is no longer running",
            "left paused by a dump that is no longer running: r resumes it",
            "▌ vm-02",
        )
        await user.press("r")
        await user.sees_no("r resumes it")
        await user.sees("vm-02  ", "resume requested")


async def test_a_guest_that_a_fault_paused_comes_first_with_its_reason() -> None:
    async with console(QUIET, size=(140, 36)) as user:
        await user.sees("▌ vm-01")
        leave_paused("vm-03", "I/O error")
        await user.sees("paused: I/O error")
        assert user.screen.index("vm-03") < user.screen.index("vm-01")
        await user.go_to("vm-03")
        await user.sees("state      paused (I/O error)")
        await user.sees_no("resumes it")


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (160, 50)])
async def test_the_reason_of_a_pause_is_said_once_in_the_row_and_once_in_the_details(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01")
        leave_paused("vm-03", "I/O error")
        await user.sees("▌ vm-03", "state      paused (I/O error)", "           vda: no space left")
        row = next(line for line in user.screen.splitlines() if "vm-03" in line)
        assert row.count("I/O error") == 1 and row.count("vda: no space left") == 1
        lines = [line.partition("││")[0] for line in user.screen.splitlines()]  # The activity may be beside them.
        details = "\n".join(lines).partition("state      paused")[2].partition("no job")[0]
        assert details.count("I/O error") == 1 and details.count("vda: no space left") == 1


async def wait_for_one_that_leaves_its_domain_paused(
    backend: Backend, domain: DomainKey, *arguments: Any, **others: Any
) -> Outcome:
    """As where a daemon dies in a dump and comes back."""
    outcome = await wait(backend, domain, *arguments, **others)
    leave_paused(domain.name)
    return replace(outcome, left_paused=True)


async def test_the_wait_screen_resumes_what_its_dump_left_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.session.job_wait.wait", wait_for_one_that_leaves_its_domain_paused)
    async with console(QUIET, config=Config(dump=Dumps(f"{tmp_path}/core"))) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01", "free")
        await user.press("ctrl+s")
        await user.sees("✓ dump completed", "The domain is still paused: r resumes it", "esc Close", "r Resume")
        await user.sees("▌ vm-01        paused")
        await user.press("r")
        await user.sees("resume requested", "▌ vm-01        running")


async def test_several_domains_that_were_left_paused_are_resumed_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.session.job_wait.wait", wait_for_one_that_leaves_its_domain_paused)
    async with console(QUIET, config=Config(dump=Dumps(f"{tmp_path}/{{domain}}"))) as user:
        await user.sees("▌ vm-01")
        await user.press("space", "space", "d")
        await user.sees("Dump · 2 domains", "free")
        await user.press("ctrl+s")
        await user.sees(
            "2 completed · 2 left paused: r resumes", "vm-02 left paused · ✓ dump", "r Resume", "paused: dump"
        )
        await user.press("r")
        await user.sees("vm-01 resume requested", "vm-02 resume requested")


async def test_a_domain_that_its_user_paused_is_not_taken_for_one(tmp_path: Path) -> None:
    async with SimulatorBackend(QUIET) as backend:
        made = await backend.define("mine", 16 << 20)
        await backend.start(made.key, paused=True)
        async with console("sim:///quiet", size=(140, 36)) as user:
            await user.sees("mine", "paused")
            await user.sees_no("r resumes it")


async def test_a_dump_on_a_hanging_target_is_stalled_or_not_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimulatorBackend, "deadline", 0.2)
    async with console(f"{QUIET}&fail=hang", size=(140, 36)) as user:
        await user.sees("▌ vm-01")
        async with SimulatorBackend(f"{QUIET}&fail=hang") as other:
            domain = await other.find("vm-01")
            await other.begin_dump(DumpRequest(domain.key, str(tmp_path / "core")))
            await user.sees("no answer", "not answering since", "last known", "its job is not known")


async def test_closing_is_not_called_done(tmp_path: Path) -> None:
    async with Hold(QUIET) as hold, console(QUIET, size=(140, 36)) as user:
        await user.sees("▌ vm-01")
        async with SimulatorBackend(QUIET) as other:
            domain = await other.find("vm-01")
            await other.begin_dump(DumpRequest(domain.key, str(tmp_path / "core")))
            await user.sees("1 job ")
            hold.release(closing=True)
            await user.sees("closing the file")


async def test_a_lost_host_keeps_its_rows_and_marks_them() -> None:
    uri = f"{QUIET}&fail=disconnect"
    async with console(uri, size=(140, 36)) as user:
        await user.sees("▌ vm-01")
        with outage(uri):
            await user.sees("trying again", "?running", "vm-03")
        await user.sees_no("?running", "trying again")
        await user.sees("vm-03")


async def test_who_asked_for_a_dump_is_told_from_its_record_which_its_file_may_contradict(tmp_path: Path) -> None:
    async with Hold(QUIET) as hold, console(QUIET, size=(140, 36)) as user, SimulatorBackend(QUIET) as other:
        await user.sees("▌ vm-01")
        request = DumpRequest((await other.find("vm-01")).key, str(tmp_path / "core"))
        record = replace(process.new_record(request, QUIET), user="alice@hv9", state=RecordState.RUNNING)
        await other.publish(record)
        dump = asyncio.create_task(other.call_dump(request))
        await user.sees("dump started by alice@hv9")
        hold.release()
        await dump
        await other.publish(process.finished(record, RecordState.FAILED, "no space left"))
        await user.reads(
            "dump started by alice@hv9",
            "vm-01 ? dump unproven: The shared record of alice@hv9 says: The dump call returned an error.",
            "But: Its file is whole.",
        )


async def test_a_dump_without_a_record_is_followed_to_its_end(tmp_path: Path) -> None:
    async with Hold(QUIET) as hold, console(QUIET, size=(140, 36)) as user:
        await user.sees("▌ vm-01")
        async with SimulatorBackend(QUIET) as other:
            domain = await other.find("vm-01")
            await other.begin_dump(DumpRequest(domain.key, str(tmp_path / "core")))
            await user.sees("vm-01 dump started")
            hold.release()
            await user.reads("vm-01 dump started", "vm-01 ✓ dump completed in", "(evidence: file)")
    [entry] = History().jobs()
    assert (entry.domain, entry.verdict, entry.path) == ("vm-01", Verdict.COMPLETED, str(tmp_path / "core"))
    assert entry.observer.endswith("(console)")


async def test_domains_that_start_and_stop_are_told() -> None:
    async with console(QUIET, size=(140, 36)) as user, SimulatorBackend(QUIET) as other:
        await user.sees("▌ vm-01")
        await other.destroy((await other.find("vm-03")).key)
        await user.sees("vm-03 stopped (destroyed)")
        await other.start((await other.find("vm-03")).key)
        await user.sees("vm-03 started (booted)")
