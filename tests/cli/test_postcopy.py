"""Aborting a migration whose guest runs on the other host already."""

from __future__ import annotations

import asyncio

from backend.model import MigrationLimits
from backend.uri import open_backend
from tests.cli.command import one_line, virt_jobs

DEMO = "sim:///demo"
NAME = "batch-01"


async def switch_to_postcopy() -> None:
    """Of a migration that sends the rest so slowly that it goes on as long as it is looked at."""
    async with open_backend(DEMO) as backend:
        domain = (await backend.find(NAME)).key
        await backend.limit_migration(domain, MigrationLimits(bandwidth=1 << 20))
        await backend.start_postcopy(domain)


def test_it_takes_the_option_and_leaves_both_sides_paused() -> None:
    asyncio.run(switch_to_postcopy())
    refused = virt_jobs("-c", DEMO, "abort", NAME)
    assert (refused.returncode, one_line(refused.stderr)) == (1, True)
    assert "cannot abort migration in post-copy mode" in refused.stderr
    aborted = virt_jobs("-c", DEMO, "abort", NAME, "--postcopy")
    assert (aborted.returncode, aborted.stdout) == (0, f"{NAME}: abort requested\n")
    assert "both sides stay paused until the migration is resumed" in aborted.stderr
    listed = virt_jobs("-c", DEMO, "list").stdout
    assert any(NAME in line and " paused " in line for line in listed.splitlines())


def test_before_its_postcopy_phase_it_is_refused_and_goes_on() -> None:
    ended = virt_jobs("-c", DEMO, "abort", NAME, "--postcopy")
    assert (ended.returncode, one_line(ended.stderr)) == (1, True)
    assert "not outgoing migration in post-copy mode" in ended.stderr
    assert any(NAME in line and " migration out " in line for line in virt_jobs("-c", DEMO, "list").stdout.splitlines())
