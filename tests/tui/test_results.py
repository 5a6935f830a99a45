"""When a job has ended, its wait screen shows the result, and nothing of the last sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.model import BlockOperation, JobOperation
from backend.observing.memory import Memory
from backend.observing.progress import Progress
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.history import History
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from tests.held_block_jobs import held_block_jobs
from tests.simulator_hold import Hold
from tests.tui.console import User, console
from tests.tui.test_block_jobs import attached, on_job
from tests.tui.test_dump import open_form, set_path
from tests.tui.test_marks import mark
from tests.tui.test_progress import DOMAIN, KEYS, after, stats
from tests.unit.session.quiet import SilentListener
from tui.config.values import Config
from tui.screens.wait import state
from tui.session.host import Host
from tui.session.job_wait import JobWait

pytestmark = pytest.mark.process

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"
SIZES = pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])


async def no_sample(user: User) -> None:
    await user.sees_no(" left ", "to go", "elapsed ", "last progress report", "█")


@SIZES
async def test_a_dump(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "core"
    async with Hold(QUIET, path) as hold, console(QUIET, size=size) as user:
        await open_form(user)
        await set_path(user, path)
        await user.press("ctrl+s")
        await user.sees("waiting for dump", "left")
        hold.release()
        await user.sees("✓ dump completed in ", f"file          {path}", "16.0 MiB (elf)", "/s on average")
        await user.reads("requested by", "The dump call returned success; source: the dump call's own result.")
        await no_sample(user)


async def test_a_dump_that_failed(tmp_path: Path) -> None:
    uri = f"{QUIET}&fail=disk-full"
    async with Hold(uri) as hold, console(uri) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.press("ctrl+s")
        await user.sees("waiting for dump", "left")
        hold.release()
        await user.sees("✗ dump failed after ", str(tmp_path / "core"), "No space left on device")
        await user.reads("The dump call returned an error; source: the dump call's own result.")
        await user.sees_no("to go", "last progress report", "█")


async def test_a_migration(tmp_path: Path) -> None:
    uri = "sim:///moving?domains=1&jobs=0&memory=200"
    async with SimulatorBackend(uri) as other, console(uri) as user:
        key = (await other.domains())[0].key
        await other.begin_migration(key, 3.0, load=0.1, working_set=20 * MIB)
        await user.sees("1 job ")
        await user.press("w")
        await user.reads("✓ migration out completed in ", "evidence")
        await no_sample(user)


@pytest.mark.parametrize("cells", [50, 70, 94])
def test_a_migration_tells_its_downtime_and_what_it_sent(cells: int) -> None:
    outcome = Outcome(
        DOMAIN.key,
        JobOperation.MIGRATION_OUT,
        Verdict.COMPLETED,
        Evidence.LIFECYCLE,
        "The domain was stopped (migrated).",
        time_elapsed=4_000,
        downtime=38,
        bytes=2 << 30,
    )
    shown = result(outcome, after(stats(920)), cells)
    assert "✓ migration out completed in 4.0 s with 38 ms of downtime" in shown
    assert "sent          2.0 GiB" in shown
    assert "rate          512 MiB/s on average" in shown
    assert "left" not in shown


def test_a_save_has_no_file_that_libvirt_tells_of() -> None:
    outcome = Outcome(
        DOMAIN.key,
        JobOperation.SAVE,
        Verdict.COMPLETED,
        Evidence.LIFECYCLE,
        "The domain was saved.",
        time_elapsed=2_000,
    )
    shown = result(outcome, after(stats(920)), 70)
    assert "✓ save completed in 2.0 s" in shown
    assert "processed     1000 MiB" in shown
    assert "file" not in shown


def test_a_job_that_left_its_domain_paused_says_what_resumes_it() -> None:
    outcome = Outcome(
        DOMAIN.key, JobOperation.DUMP, Verdict.UNPROVEN, Evidence.NONE, "The job was gone.", left_paused=True
    )
    shown = result(outcome, None, 70)
    assert "? dump unproven" in shown
    assert "The domain is still paused: r resumes it." in shown


def result(outcome: Outcome, progress: Progress | None, cells: int) -> str:
    host = Host("sim:///x", False, Config(), SilentListener(), Memory(History(), "test"))
    wait = JobWait(host, DOMAIN.key, outcome.operation, progress=progress)
    wait.outcome = outcome
    return state(wait, KEYS, cells).plain


async def test_a_push_backup_and_one_that_a_client_reads() -> None:
    async with SimulatorBackend(QUIET) as other, console(QUIET) as user:
        key = (await other.find("vm-01")).key
        await other.begin_backup(key, False, 2.0)
        await user.sees("1 job ")
        await user.press("w")
        await user.reads("✓ backup completed in", "The job's own event said completed; source: the job's own event.")
        await no_sample(user)
        await user.press("escape")
        await other.begin_backup(key, True, 600.0)
        await user.sees("1 job ")
        await user.press("w")
        await user.sees("waiting for pull backup", "scratch")
        await user.press("a", "y")
        await user.reads("? backup unproven", "source: nothing that proves how it ended.")
        await no_sample(user)


async def test_a_job_of_a_disk_names_what_it_copied() -> None:
    async with held_block_jobs(QUIET) as held:
        await held.begin_ready("vm-01", "vda", BlockOperation.COPY)
        async with console(QUIET) as user:
            await on_job(user)
            await user.press("w")
            await user.sees("ready: everything is copied")
            await user.until(lambda: attached(user), "a wait that found its job")
            await held.pivot("vm-01", "vda")
            await user.sees("✓ block copy of vda completed", "copied        8.0 GiB", "evidence")
            await no_sample(user)


async def test_several_have_a_line_each_with_size_and_rate(tmp_path: Path) -> None:
    async with console(QUIET, size=(160, 50)) as user:
        await mark(user, 2)
        await user.press("d")
        await user.sees("Dump · 2 domains")
        await user.press("ctrl+s")
        await user.sees("2 completed", "16.0 MiB at ", ".elf")


async def test_a_long_path_is_whole_in_the_result_and_keeps_its_end_in_the_list() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await mark(user, 2)
        await user.press("d")
        await user.sees("Dump · 2 domains")
        await user.press("ctrl+s")
        await user.sees("2 completed", ".elf")
        await user.press("enter")
        await user.sees("vm-01 · waiting for dump", "evidence")
        await user.reads("dumps/vm-01-")
