"""The domains that a simulator begins with, and the jobs that keep it lively."""

from __future__ import annotations

from collections import Counter

import pytest

from backend.errors import BackendError
from backend.job_stats import JobStats
from backend.model import BlockOperation, DomainKey, DomainState, JobOperation, MigrationLimits
from backend.simulator import SimulatorBackend
from tests.unit.simulator.conftest import Clock, Open


async def active(backend: SimulatorBackend) -> list[JobStats]:
    found = await backend.jobs([domain.key for domain in await backend.domains() if domain.active])
    return [stats for stats in found.values() if isinstance(stats, JobStats)]


async def test_the_demonstration_has_a_dozen_machines_and_several_operations(open_simulator: Open) -> None:
    demo = await open_simulator("sim:///demo")
    domains = await demo.domains()
    assert len(domains) >= 12
    assert {DomainState.RUNNING, DomainState.PAUSED, DomainState.SHUTOFF} <= {domain.state for domain in domains}
    assert len({stats.operation for stats in await active(demo)}) >= 4


async def test_the_demonstration_has_names_that_break_careless_consoles(open_simulator: Open) -> None:
    names = [domain.name for domain in await (await open_simulator("sim:///demo")).domains()]
    assert any("[/x]" in name for name in names)
    assert any(ord(letter) > 0x3000 for name in names for letter in name)
    assert any("\u0590" <= letter <= "\u05ff" for name in names for letter in name)


async def test_the_demonstration_is_lively_whenever_someone_looks(open_simulator: Open, clock: Clock) -> None:
    demo = await open_simulator("sim:///demo")
    for pause in (1, 5, 20, 60, 3600, 7 * 86400):
        clock.advance(pause)
        assert len(await active(demo)) >= 2, f"after {pause} s"


async def test_the_demonstration_shows_every_kind_of_job_within_its_first_minute(
    open_simulator: Open, clock: Clock
) -> None:
    demo = await open_simulator("sim:///demo")
    seen: set[str] = set()
    remaining: dict[str, list[int]] = {}
    for _ in range(60):
        for domain in await demo.domains():
            seen.add(f"{domain.state.label} ({domain.reason})")
        keys = [domain.key for domain in await demo.domains() if domain.active]
        for key, stats in (await demo.jobs(keys)).items():
            if isinstance(stats, JobStats) and isinstance(key, DomainKey):
                seen.add(f"pull {stats.operation.label}" if stats.pull_backup else stats.operation.label)
                remaining.setdefault(key.name, []).append(stats.remaining)
        for blocks in (await demo.block_jobs(keys)).values():
            assert not isinstance(blocks, BackendError)
            seen.update(f"{stats.operation.label}{' ready' if stats.ready else ''}" for stats in blocks)
        clock.advance(1)
    assert {
        "backup",
        "pull backup",
        "migration out",
        "dump",
        "save",
        "block pull",
        "block copy",
        "block copy ready",
        "active block commit",
        "active block commit ready",
        "paused (I/O error)",
        "crashed (panicked)",
    } <= seen
    reasons = {domain.name: domain.reason for domain in await demo.domains()}
    assert reasons["web-02"] in ("migrated", "migrating"), "it converges"
    assert reasons["batch-01"] == "booted" and len(remaining["batch-01"]) == 60, "it does not"
    assert remaining["batch-01"] != sorted(remaining["batch-01"], reverse=True)


@pytest.mark.parametrize("limits", [MigrationLimits(max_downtime=5000), MigrationLimits(bandwidth=0), None])
async def test_its_migration_that_does_not_converge_can_be_helped(
    open_simulator: Open, clock: Clock, limits: MigrationLimits | None
) -> None:
    demo = await open_simulator("sim:///demo")
    key = (await demo.find("batch-01")).key
    clock.advance(60)
    assert await demo.job(key) is not None
    if limits is None:
        await demo.start_postcopy(key)
    else:
        await demo.limit_migration(key, limits)
    clock.advance(30)
    assert (await demo.find("batch-01")).reason in ("migrated", "migrating")


async def test_the_demonstration_shows_them_whenever_someone_looks(open_simulator: Open, clock: Clock) -> None:
    demo = await open_simulator("sim:///demo")
    for _ in range(40):
        clock.advance(97)
        await demo.domains()
    clock.advance(7 * 86400)
    seen = set()
    for _ in range(60):
        clock.advance(1)
        keys = [domain.key for domain in await demo.domains() if domain.active]
        for blocks in (await demo.block_jobs(keys)).values():
            assert not isinstance(blocks, BackendError)
            seen.update(stats.operation for stats in blocks)
    assert seen == {BlockOperation.PULL, BlockOperation.COPY, BlockOperation.ACTIVE_COMMIT}


async def test_the_demonstration_leaves_machines_alone_to_play_with(open_simulator: Open, clock: Clock) -> None:
    demo = await open_simulator("sim:///demo")
    for _ in range(50):
        clock.advance(7)
        assert await demo.job((await demo.find("db-01")).key) is None


async def test_its_machines_come_and_go(open_simulator: Open, clock: Clock) -> None:
    demo = await open_simulator("sim:///demo")
    seen: Counter[JobOperation] = Counter()
    for _ in range(120):
        clock.advance(5)
        seen.update(stats.operation for stats in await active(demo))
    assert {JobOperation.SAVE, JobOperation.RESTORE, JobOperation.MIGRATION_OUT, JobOperation.DUMP} <= set(seen)


async def test_as_many_domains_and_jobs_as_asked_for(open_simulator: Open, clock: Clock) -> None:
    lab = await open_simulator("sim:///lab?domains=20&jobs=5")
    assert len(await lab.domains()) == 20
    for _ in range(20):
        clock.advance(9)
        assert len(await active(lab)) == 5


async def test_memory_is_as_asked_for(open_simulator: Open) -> None:
    lab = await open_simulator("sim:///lab?domains=3&memory=64")
    assert {domain.memory for domain in await lab.domains()} == {64 * 2**20}


async def test_another_uri_reshapes_the_fleet_and_keeps_who_stays(open_simulator: Open) -> None:
    before = await (await open_simulator("sim:///lab?domains=5")).domains()
    after = await (await open_simulator("sim:///lab?domains=3")).domains()
    assert after == before[:3]


async def test_a_uri_that_asks_for_nothing_changes_nothing(open_simulator: Open) -> None:
    before = await (await open_simulator("sim:///lab?domains=5")).domains()
    assert await (await open_simulator("sim:///lab")).domains() == before


async def test_two_simulators_share_no_uuid(open_simulator: Open) -> None:
    one = await (await open_simulator("sim:///one?domains=50")).domains()
    other = await (await open_simulator("sim:///other?domains=50")).domains()
    assert [domain.name for domain in one] == [domain.name for domain in other]
    assert not {domain.key.uuid for domain in one} & {domain.key.uuid for domain in other}
