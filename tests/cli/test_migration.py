"""``virt-jobs migration``: whether a migration ends, and what helps it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from backend.model import MigrationLimits
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from tests.cli.command import virt_jobs
from tests.eventually import eventually
from tui.cli.exits import Exit

URI = "sim:///moving?domains=1&jobs=0&memory=200"


@pytest.fixture
def restless() -> str:
    """A domain whose guest writes faster than its migration sends, and of which that is known."""

    async def begin() -> str:
        async with SimulatorBackend(URI) as backend:
            domain = (await backend.domains())[0]
            await backend.begin_migration(domain.key, 0.5, load=1.5, working_set=150 * MIB)
            return domain.name

    name = asyncio.run(begin())
    eventually(lambda: told(name)["course"] == "not converging")
    return name


def told(name: str, *options: str) -> dict[str, Any]:
    ended = virt_jobs("-c", URI, "migration", name, "--json", *options)
    assert ended.returncode == Exit.COMPLETED, ended.stderr
    said: dict[str, Any] = json.loads(ended.stdout)
    return said


def limits() -> MigrationLimits:
    async def read() -> MigrationLimits:
        async with SimulatorBackend(URI) as backend:
            return await backend.migration_limits((await backend.domains())[0].key)

    return asyncio.run(read())


def test_one_that_does_not_converge_says_so_and_foretells_nothing(restless: str) -> None:
    said = told(restless)
    assert (said["course"], said["time_left"], said["postcopy"]) == ("not converging", None, None)
    assert said["dirty_rate"] >= said["bandwidth"]
    assert said["downtime"] > said["max_downtime"] == 300
    ended = virt_jobs("-c", URI, "migration", restless)
    first, *facts = ended.stdout.splitlines()
    assert first.startswith(f"{restless}: not converging: the guest dirties ")
    assert first.endswith(", 300 ms allowed")
    assert [line.split(":")[0].strip() for line in facts] == [
        "Pass",
        "Remaining",
        "Dirty rate",
        "Bandwidth",
        "Downtime",
    ]


def test_limits_are_changed(restless: str) -> None:
    ended = virt_jobs("-c", URI, "migration", restless, "--max-downtime", "301", "--bandwidth", "100")
    assert ended.returncode == Exit.COMPLETED
    said = ended.stdout.splitlines()
    assert said[:2] == [
        f"{restless}: 301 ms of downtime allowed",
        f"{restless}: bandwidth limited to 100 MiB/s",
    ]
    assert limits() == MigrationLimits(301, 100 * MIB)
    virt_jobs("-c", URI, "migration", restless, "--bandwidth", "0")
    assert limits() == MigrationLimits(301, 0)


def test_a_post_copy_that_is_cut_says_how_it_is_recovered(restless: str) -> None:
    virt_jobs("-c", URI, "migration", restless, "--bandwidth", "10")
    ended = virt_jobs("-c", URI, "migration", restless, "--postcopy")
    assert ended.stdout == f"{restless}: post-copy requested\n"
    assert told(restless)["course"] == "post-copy"

    async def cut() -> None:
        async with SimulatorBackend(URI) as backend:
            await backend.abort((await backend.domains())[0].key, postcopy=True)

    asyncio.run(cut())
    said = told(restless)
    assert (said["course"], said["postcopy"], said["time_left"]) == ("post-copy failed", "failed", None)
    assert "--postcopy-resume" in said["summary"]


def test_a_read_only_connection_shows_it_and_changes_nothing(restless: str) -> None:
    assert virt_jobs("-c", URI, "-r", "migration", restless).returncode == Exit.COMPLETED
    for option in (("--max-downtime", "900"), ("--bandwidth", "9"), ("--postcopy",)):
        ended = virt_jobs("-c", URI, "-r", "migration", restless, *option)
        assert (ended.returncode, ended.stdout) == (Exit.UNREACHABLE, "")
        assert "read only" in ended.stderr
    assert limits() == MigrationLimits(300, 0)


def test_without_a_migration_there_is_none_to_help() -> None:
    ended = virt_jobs("-c", "sim:///idle?domains=1&jobs=0", "migration", "1", "--max-downtime", "900")
    assert ended.returncode == Exit.NO_JOB
    assert "is not migrating to another host" in ended.stderr


def test_a_list_has_no_percentage_for_what_may_grow(restless: str) -> None:
    ended = virt_jobs("-c", URI, "list")
    assert "migration out" in ended.stdout
    assert "%" not in ended.stdout
