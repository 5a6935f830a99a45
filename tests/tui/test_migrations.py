"""Migrations in the console: what is said of them, and how they are helped."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.model import DomainKey, MigrationLimits
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from tests.tui.console import console

URI = "sim:///moving?domains=1&jobs=0&memory=200"


@pytest.fixture
async def other() -> AsyncIterator[SimulatorBackend]:
    """Somebody else's connection."""
    async with SimulatorBackend(URI) as backend:
        yield backend


async def restless(backend: SimulatorBackend, postcopy: bool = True) -> DomainKey:
    """A domain whose guest writes faster than its migration sends."""
    key = (await backend.domains())[0].key
    await backend.begin_migration(key, 0.5, load=1.5, working_set=150 * MIB, postcopy=postcopy)
    return key


async def test_one_that_does_not_converge_has_no_bar_and_no_time_and_is_helped_by_downtime(
    other: SimulatorBackend,
) -> None:
    key = await restless(other)
    async with console(URI, size=(140, 36)) as user:
        await user.sees("migration out", "not converging", "remaining", "may grow")
        await user.reads("the guest dirties", "ms allowed")
        assert " %" not in user.screen
        assert "~" not in user.screen
        await user.press("m")
        await user.sees("Downtime allowed at the end, in ms", "300", "Start post-copy")
        await user.press("backspace", "backspace", "backspace")
        await user.type("301")
        await user.press("enter")
        await user.sees("change of limits requested")
        await user.sees_no("Start post-copy")
        assert await other.migration_limits(key) == MigrationLimits(301, 0)


async def test_its_form_fits_into_a_small_terminal(other: SimulatorBackend) -> None:
    await restless(other)
    async with console(URI, size=(80, 24)) as user:
        await user.sees("not converging")
        await user.press("m")
        await user.sees("Downtime allowed", "Start post-copy", "─╮", "─╯")
        [top] = [line for line in user.screen.splitlines() if "Migration · " in line]
        assert top.rstrip().endswith("╮")


async def test_nothing_changed_is_nothing_done_and_nonsense_is_refused(other: SimulatorBackend) -> None:
    await restless(other)
    async with console(URI, size=(140, 36)) as user:
        await user.sees("not converging")
        await user.press("m")
        await user.sees("300")
        await user.press("enter")
        await user.sees("nothing was changed")
        await user.press("backspace", "backspace", "backspace")
        await user.type("0")
        await user.press("enter")
        await user.sees("a downtime of 1 to 2000000 ms can be allowed")
        await user.press("backspace")
        await user.type("-5")
        await user.press("enter")
        await user.sees("only whole numbers from 0 on can be set")
        await user.press("escape")
        await user.sees_no("Start post-copy")


async def test_post_copy_is_begun_cut_and_shown_until_it_is_recovered(other: SimulatorBackend) -> None:
    key = await restless(other)
    async with console(URI, size=(140, 36)) as user:
        await user.sees("not converging")
        await other.limit_migration(key, MigrationLimits(bandwidth=2 * MIB))
        await user.press("m")
        await user.sees("Start post-copy")
        await user.press("ctrl+o")
        await user.reads("This cannot be undone")
        await user.press("y")
        await user.reads("post-copy: the guest runs on the other host")
        await user.press("m")
        await user.reads("is in post-copy already")
        await user.press("a")
        await user.reads("it will stand still until the migration is recovered")
        await user.press("y")
        await user.sees("needs recovery")
        await user.reads("repeating the virsh migrate command with --postcopy --postcopy-resume goes on with it")
        await user.press("r")
        await user.reads("can only go on when its migration is recovered")
        await user.press("a")
        await user.reads("cannot be aborted, only recovered")
        await other.recover_postcopy(key)
        await user.sees_no("needs recovery")


async def test_a_read_only_console_says_why_it_does_not_help(other: SimulatorBackend) -> None:
    await restless(other)
    async with console(URI, readonly=True, size=(140, 36)) as user:
        await user.sees("not converging")
        await user.press("m")
        await user.sees("read-only")
        assert "Start post-copy" not in user.screen


async def test_a_domain_that_does_not_migrate_cannot_be_helped() -> None:
    async with console(URI) as user:
        await user.sees("1 domain")
        await user.press("m")
        await user.reads("is not migrating to another host")


async def test_the_wait_screen_says_whether_it_converges(other: SimulatorBackend) -> None:
    await restless(other)
    async with console(URI, size=(140, 36)) as user:
        await user.sees("not converging")
        await user.press("w")
        await user.sees("waiting for migration out")
        await user.reads("not converging: the guest dirties", "detaches; the job continues")
