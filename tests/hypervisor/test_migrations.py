"""Waits for both ends of a migration: what `wait` says, held against what virsh itself returned."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import MappingProxyType

import pytest

from backend.model import DomainKey, JobOperation
from tests.contract.steps import eventually
from tests.hypervisor.operations import CANCELLED, COMPLETED, FAILED, MIB, Found, Host, agree, arrival, attached, ended
from tests.language import in_english
from tests.tui.console import console
from tui.config.values import Config, Connection

pytestmark = pytest.mark.hypervisor

SLOW = "1"
"""MiB/s of a migration, until somebody is attached."""


async def migrated(here: Host, there: Host, act: Callable[[DomainKey], Awaitable[None]], paused: bool = False) -> Ends:
    """How both sides of a migration end, and what virsh said of it."""
    domain = here.machines.start("vm", MIB, paused, filled=True)
    command = ["migrate", domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"]
    virsh = here.virsh(*command, "--bandwidth", SLOW)
    arriving = await arrival(there, domain, virsh)
    async with (
        attached(here, domain, JobOperation.MIGRATION_OUT) as leaving_side,
        attached(there, arriving, JobOperation.MIGRATION_IN) as arriving_side,
    ):
        await act(domain)
        errors = await ended(virsh)
        out, into = await asyncio.gather(leaving_side.outcome(), arriving_side.outcome())
    agree(out, errors)
    agree(into, errors)
    return Ends((out.verdict, out.evidence), (into.verdict, into.evidence), errors)


@dataclass
class Ends:
    out: Found
    into: Found
    errors: str


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_a_migration(here: Host, there: Host, paused: bool) -> None:
    async def hurry(domain: DomainKey) -> None:
        assert await ended(here.virsh("migrate-setspeed", domain.uuid, "4096")) == ""

    ends = await migrated(here, there, hurry, paused)
    assert (ends.out, ends.into, ends.errors) == (COMPLETED, COMPLETED, "")


async def test_an_aborted_migration(here: Host, there: Host) -> None:
    async def abort(domain: DomainKey) -> None:
        await ended(here.virsh("domjobabort", domain.uuid))

    ends = await migrated(here, there, abort)
    assert ends.out in {CANCELLED, FAILED}  # How it was aborted may be seen for some ms only.
    assert ends.into == FAILED


async def test_a_migration_whose_domain_is_destroyed_where_it_arrives(here: Host, there: Host) -> None:
    async def destroy(domain: DomainKey) -> None:
        await ended(there.virsh("destroy", domain.uuid))

    ends = await migrated(here, there, destroy)
    assert (ends.out, ends.into) == (FAILED, FAILED)


async def test_a_migration_whose_domain_is_destroyed_where_it_leaves(here: Host, there: Host) -> None:
    async def destroy(domain: DomainKey) -> None:
        await ended(here.virsh("destroy", domain.uuid))

    ends = await migrated(here, there, destroy)
    assert (ends.out, ends.into) == (FAILED, FAILED)


async def test_a_fleet_shows_both_ends_of_a_migration(here: Host, there: Host) -> None:
    aliases = {"here": Connection(here.uri), "there": Connection(there.uri)}
    domain = here.machines.start("vm", MIB, filled=True)
    virsh = here.virsh("migrate", domain.uuid, there.uri, "--live", "--unsafe", "--bandwidth", SLOW,
                       "--migrateuri", "tcp://127.0.0.1")  # fmt: skip
    await arrival(there, domain, virsh)

    async def listed() -> bool:
        command = (sys.executable, "-m", "tui", "-c", here.uri, "-c", there.uri, "list")
        hosts = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out = (await hosts.communicate())[0].decode()
        return f"migration out -> {there.uri} " in out and f"migration in <- {here.uri} " in out

    # One that has just been started may take long to answer, and is told of when the other one was.
    assert await eventually(listed)
    config = Config(connections=MappingProxyType(aliases))
    async with console(here.uri, there.uri, config=config, size=(160, 36)) as user:
        await user.sees("2 domains", "2 jobs", "migration out → there", "migration in ← here")
        here.virsh("domjobabort", domain.uuid)
        errors = await ended(virsh)
        assert errors
        assert re.search(in_english("abort"), errors)
        await user.sees("1 domain", "0 jobs")
        await user.sees_no("migration out → there", "migration in ← here")
