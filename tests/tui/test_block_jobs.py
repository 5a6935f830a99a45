"""Jobs of disks, and backups that a client reads, as the user sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.base import Backend
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, JobOperation
from backend.simulator import SimulatorBackend
from tests.held_block_jobs import COPY, HeldBlockJobs, held_block_jobs
from tests.simulator_hold import HELD
from tests.tui.console import User, console
from tui.screens.main import MainScreen

QUIET = "sim:///quiet?domains=5&jobs=0&memory=64"
WIDE = (160, 50)


@pytest.fixture
async def held() -> AsyncIterator[HeldBlockJobs]:
    async with held_block_jobs(QUIET) as held:
        yield held


async def on_job(user: User) -> None:
    """Put the cursor on the first job of a disk, which is the second row."""
    await user.sees("└ vd")
    await user.press("g", "j")
    await user.sees("▌  └ vd")


def attached(user: User) -> bool:
    """Whether the wait that runs has found its job."""
    main = user.app.screen_stack[0]
    assert isinstance(main, MainScreen)
    [wait] = [wait for host in main.session.hosts.values() for wait in main.session.waits.of_host(host)]
    return wait.attached.is_set()


async def test_a_job_of_a_disk_stands_below_its_domain(held: HeldBlockJobs) -> None:
    await held.begin("vm-04", "vda", BlockOperation.PULL)
    async with console(QUIET, size=WIDE) as user:
        await user.sees("└ vda", "block pull", " 0 %", "5 domains · 1 job ")
        lines = user.screen.splitlines()
        at = next(number for number, line in enumerate(lines) if "└ vda" in line)
        assert "vm-04" in lines[at - 1]
        assert "vm-01" in lines[at + 1]


@pytest.mark.parametrize(("size", "words"), [((80, 24), "ready "), (WIDE, "ready: pivot or abort")])
async def test_one_that_is_ready_says_so_in_place_of_a_bar(
    held: HeldBlockJobs, size: tuple[int, int], words: str
) -> None:
    await held.begin_ready("vm-01", "vda", BlockOperation.ACTIVE_COMMIT)
    async with console(QUIET, size=size) as user:
        await user.sees("active commit", words)
        assert "█" not in user.screen
        assert "100 %" not in user.screen


async def test_the_filter_finds_them(held: HeldBlockJobs) -> None:
    await held.begin("vm-02", "vda")
    await held.begin("vm-04", "vdb", BlockOperation.PULL)
    async with console(QUIET) as user:
        await user.sees("└ vda", "└ vdb")
        await user.press("slash")
        await user.type("block copy")
        await user.sees("2 of 7", "vm-02", "└ vda")
        await user.sees_no("└ vdb", "vm-04")


async def test_the_cursor_falls_back_to_the_domain_when_its_job_ends(held: HeldBlockJobs) -> None:
    await held.begin("vm-02", "vda")
    async with console(QUIET) as user:
        await on_job(user)
        await held.abort("vm-02", "vda")
        await user.sees("▌ vm-02")
        await user.sees_no("└ vda")


async def test_its_details_say_what_it_does_and_what_can_be_done(held: HeldBlockJobs) -> None:
    await held.begin_ready("vm-01", "vda")
    async with console(QUIET, size=WIDE) as user:
        await on_job(user)
        await user.sees(
            "vm-01 vda ─ 1:job",
            "disk       /var/lib/libvirt/images/vm-01.overlay.qcow2",
            f"copy       {COPY}",
            "backing    /var/lib/libvirt/images/vm-01.qcow2",
            "8.0 GiB of 8.0 GiB",
        )
        await user.sees("pivot      p: the guest continues", "abort      a: the guest stays")
        await user.press("3")
        await user.sees("name       vm-01", "uuid ")


async def test_the_details_of_a_domain_list_them(held: HeldBlockJobs) -> None:
    await held.begin_ready("vm-01", "vda")
    await held.begin("vm-01", "vdb", BlockOperation.PULL)
    async with console(QUIET, size=WIDE) as user:
        await user.sees("▌ vm-01", f"block copy of vda → {COPY}, first seen ", "progress   ready: pivot or abort")
        await user.sees("block pull of vdb, first seen ")
        await user.until(lambda: user.screen.count("│ progress   ") == 2, "how far both are")
        await user.sees_no("no job")


async def test_a_pivot_asks_and_says_where_the_guest_continues(held: HeldBlockJobs) -> None:
    await held.begin_ready("vm-01", "vda")
    async with console(QUIET) as user:
        await on_job(user)
        await user.sees(COPY)
        await user.press("p")
        await user.reads("Pivot vda of vm-01?", f"The guest continues on {COPY}.")
        await user.press("enter")
        await user.sees_no("Pivot vda of vm-01?")
        assert await held.source("vm-01") != COPY
        await user.press("p", "y")
        await user.sees("pivot of vda requested")
        await user.sees_no("└ vda")
        assert await held.source("vm-01") == COPY


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (BlockOperation.COPY, "the block copy of vda is not ready"),
        (BlockOperation.PULL, "the block pull of vda does not mirror the disk"),
    ],
)
async def test_a_pivot_is_refused_with_the_reason(held: HeldBlockJobs, operation: BlockOperation, reason: str) -> None:
    await held.begin("vm-01", "vda", operation)
    async with console(QUIET) as user:
        await on_job(user)
        await user.press("p")
        await user.reads(reason)
        assert "continues on" not in user.screen


async def test_a_read_only_console_shows_them_and_ends_none(held: HeldBlockJobs) -> None:
    await held.begin_ready("vm-01", "vda")
    async with console(QUIET, readonly=True, size=WIDE) as user:
        await on_job(user)
        await user.sees("refused    ")
        await user.press("p")
        await user.reads("read-only")
        await user.press("a")
        assert "Abort the block copy" not in user.screen


async def test_commands_on_the_domain_point_to_the_jobs_of_its_disks(held: HeldBlockJobs) -> None:
    await held.begin("vm-01", "vda")
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "└ vda")
        await user.press("a")
        await user.reads("vm-01 has no job of its own: go to the one of vda, below it")


@pytest.mark.parametrize(
    ("ready", "meaning"), [(False, "The copy is incomplete"), (True, "The copy is complete as of")]
)
async def test_an_abort_says_what_becomes_of_the_copy(held: HeldBlockJobs, ready: bool, meaning: str) -> None:
    await (held.begin_ready if ready else held.begin)("vm-01")
    async with console(QUIET) as user:
        await on_job(user)
        await user.press("a")
        await user.reads("Abort the block copy of vda on vm-01?", meaning)
        await user.press("y")
        await user.sees("abort of vda requested")
        await user.sees_no("└ vda")


async def test_several_jobs_of_one_domain_are_marked_and_aborted_together(held: HeldBlockJobs) -> None:
    await held.begin("vm-01", "vda")
    await held.begin("vm-01", "vdb")
    async with console(QUIET) as user:
        await user.sees("└ vda", "└ vdb")
        await user.press("g", "j", "space", "space")
        await user.sees("2 marked")
        await user.press("a")
        await user.reads("Abort the jobs of vm-01 vda, vm-01 vdb?")
        await user.press("y")
        await user.sees_no("└ vd")


async def test_the_wait_screen_follows_one_job_to_ready_and_to_its_end(held: HeldBlockJobs) -> None:
    await held.begin("vm-01", "vda")
    await held.begin("vm-01", "vdb")
    async with console(QUIET) as user:
        await on_job(user)
        await user.press("w")
        await user.sees("vm-01 · waiting for block copy of vda", " 0 %")
        await held.let_go("vm-01")
        await user.sees("ready: everything is copied", "until someone pivots or aborts it")
        await user.press("escape")
        await user.sees("detached; the block copy of vda is still running")
        await user.press("w")
        await user.sees("vm-01 · waiting for block copy of vda", "ready: everything is copied", "100 %")
        await user.until(lambda: attached(user), "a wait that found its job again")
        await held.pivot("vm-01", "vda")
        await user.sees("✓ block copy of vda completed")
        await user.press("escape")
        await user.sees("└ vdb", "✓ block copy of vda completed")


async def test_dump_and_resume_of_a_row_below_are_of_its_domain(held: HeldBlockJobs) -> None:
    await held.begin("vm-01", "vda")
    async with console(QUIET) as user:
        await on_job(user)
        await user.press("d")
        await user.sees("Dump · vm-01", "Start dump")
        await user.press("escape", "r")
        await user.reads("vm-01 is not paused")


PULL = JobStats(
    JobType.UNBOUNDED,
    JobOperation.BACKUP,
    time_elapsed=61_000,
    disk_temp_used=12 << 20,
    disk_temp_total=64 << 20,
)
PUSH = JobStats(
    JobType.UNBOUNDED,
    JobOperation.BACKUP,
    time_elapsed=61_000,
    disk_total=64 << 20,
    disk_processed=12 << 20,
    disk_remaining=52 << 20,
)


def backing_up(monkeypatch: pytest.MonkeyPatch, stats: JobStats) -> None:
    """Every domain has that backup, as libvirt reports it."""

    async def jobs(backend: SimulatorBackend, keys, on_answer=None):  # type: ignore[no-untyped-def]
        answers = dict.fromkeys(keys, stats)
        for key in answers:
            if on_answer is not None:
                on_answer(key, stats)
        return answers

    async def job(backend: SimulatorBackend, key: object) -> JobStats:
        return stats

    monkeypatch.setattr(SimulatorBackend, "jobs", jobs)
    monkeypatch.setattr(SimulatorBackend, "job", job)
    monkeypatch.setattr(SimulatorBackend, "statuses", Backend.statuses)  # Made of the two.


async def test_a_pull_backup_shows_its_scratch_space_and_who_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    backing_up(monkeypatch, PULL)
    async with console(QUIET, size=WIDE) as user:
        await user.sees("pull backup", "scratch 18 % used", "1:01")
        await user.sees("scratch    12.0 MiB of 64.0 MiB used", "ends       when its client ends it")
        await user.press("w")
        await user.sees(
            "waiting for pull backup",
            "pull backup: ends when its client ends it",
            "12.0 MiB of 64.0 MiB used",
            "elapsed 1:01",
        )


async def test_the_details_of_a_backup_are_its_disks_and_what_its_client_reads() -> None:
    async with SimulatorBackend(QUIET) as backend, console(QUIET, size=WIDE) as user:
        domain = (await backend.find("vm-01")).key
        for pull in (True, False):
            await backend.begin_backup(domain, pull, HELD)
            if pull:
                await user.sees("vda        export nbd+unix:///vda?socket=/run/libvirt/nbd/vm-01", "scratch /var/lib/")
                await user.sees("vdb        export nbd+unix:///vdb?socket=")
            else:
                await user.sees("vda        to /srv/backup/vm-01-vda.qcow2", "vdb        to /srv/")
                await user.sees_no("nbd+unix")
            await backend.abort(domain)
            await user.sees("no job")


async def test_a_push_backup_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    backing_up(monkeypatch, PUSH)
    async with console(QUIET, size=WIDE) as user:
        await user.sees("push backup", "18 %", "1:01", "12.0 MiB", "52.0 MiB")
