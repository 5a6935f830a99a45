"""Waits for both ends of a migration: what `wait` says, held against what virsh itself returned."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from backend.errors import DomainBusy
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, JobOperation
from backend.observing.convergence import Course
from backend.outcome import Outcome, Verdict
from tests.contract.steps import eventually, job_seen
from tests.hypervisor.onlookers import onlookers
from tests.hypervisor.operations import (
    CANCELLED,
    COMPLETED,
    FAILED,
    MIB,
    UNPROVEN,
    Found,
    Host,
    agree,
    arrival,
    attached,
    both_attached,
    ended,
)
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
    async with LibvirtBackend(here.uri) as backend:
        await job_seen(backend, domain)  # Until then, libvirt is still about to tell QEMU the bandwidth.
    async with both_attached(here, domain, there, arriving) as (leaving_side, arriving_side):
        await act(domain)
        errors = await ended(virsh)
        out, into = await asyncio.gather(leaving_side.outcome(), arriving_side.outcome())
    agree(out, errors)
    agree(into, errors)
    return Ends(found(out), found(into), errors, out)


@dataclass
class Ends:
    out: Found
    into: Found
    errors: str
    outcome: Outcome
    """That of the side that the domain leaves."""


def found(outcome: Outcome) -> Found:
    return outcome.verdict, outcome.evidence


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
async def test_a_migration(here: Host, there: Host, paused: bool) -> None:
    async def hurry(domain: DomainKey) -> None:
        assert await ended(here.virsh("migrate-setspeed", domain.uuid, "4096")) == ""

    ends = await migrated(here, there, hurry, paused)
    assert (ends.out, ends.into, ends.errors) == (COMPLETED, COMPLETED, "")
    assert ends.outcome.downtime is not None


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


async def test_a_migration_whose_qemu_is_killed_where_it_leaves(here: Host, there: Host) -> None:
    async def kill(domain: DomainKey) -> None:
        os.kill(_qemu(domain, incoming=False), signal.SIGKILL)

    ends = await migrated(here, there, kill)
    assert ends.out[0] is ends.into[0] is Verdict.FAILED


async def test_a_migration_whose_qemu_is_killed_where_it_arrives(here: Host, there: Host) -> None:
    async def kill(domain: DomainKey) -> None:
        os.kill(_qemu(domain, incoming=True), signal.SIGKILL)

    ends = await migrated(here, there, kill)
    assert ends.out[0] is ends.into[0] is Verdict.FAILED


def _qemu(domain: DomainKey, incoming: bool) -> int:
    """The process of the domain that sends it, or the one that it comes in to."""
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes().split(b"\0") if process.name.isdigit() else [b""]
            ours = b"qemu-system" in arguments[0] and domain.uuid.encode() in arguments
            if ours and (b"-incoming" in arguments) is incoming:
                return int(process.name)
    raise LookupError(domain.name)


@pytest.mark.parametrize("cut", [False, True], ids=["connected", "cut"])
async def test_every_waiter_learns_of_an_aborted_migration(here: Host, there: Host, cut: bool) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    command = ["migrate", domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"]
    virsh = here.virsh(*command, "--bandwidth", SLOW)
    await arrival(there, domain, virsh)
    async with onlookers(here, domain, JobOperation.MIGRATION_OUT) as waiting:
        if cut:
            await waiting.proxy.cut()
        await ended(here.virsh("domjobabort", domain.uuid))
        assert await ended(virsh)
        # How it was aborted may be seen for some ms only.
        assert await waiting.verdicts(cut) <= {Verdict.CANCELLED, Verdict.FAILED}


async def test_a_migration_under_which_its_daemon_dies_is_never_said_to_be_complete(here: Host, there: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    command = ["migrate", domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"]
    virsh = here.virsh(*command, "--bandwidth", SLOW)
    await arrival(there, domain, virsh)
    async with attached(here, domain, JobOperation.MIGRATION_OUT) as waiting:
        await asyncio.to_thread(here.daemon.kill)
        assert await ended(virsh)
        await asyncio.to_thread(here.daemon.start)
        outcome = await waiting.outcome()
    assert outcome.verdict in (Verdict.FAILED, Verdict.UNPROVEN), outcome


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


LINK = "8"
"""MiB/s: much less than a restless guest writes to."""


async def told(host: Host, domain: DomainKey, *options: str) -> dict[str, Any]:
    """What ``virt-jobs migration`` says of the domain."""
    command = [sys.executable, "-m", "tui", "-c", host.uri, "migration", domain.uuid, "--json", *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors
    said: dict[str, Any] = json.loads(out)
    return said


@dataclass
class Stuck:
    """A migration that does not converge."""

    domain: DomainKey
    arriving: DomainKey
    virsh: Any


async def stuck(here: Host, there: Host, *options: str, mib: int = 16) -> Stuck:
    """A migration that is known not to converge, of a domain that is as small as may be: each pass sends all of it."""
    domain = here.machines.start("vm", mib, restless=True)
    command = ["migrate", domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1", *options]
    virsh = here.virsh(*command, "--bandwidth", LINK)
    arriving = await arrival(there, domain, virsh)
    async with LibvirtBackend(here.uri) as backend:

        async def third_pass() -> bool:
            stats = await backend.job(domain)
            return stats is not None and (stats.memory_iteration or 0) >= 3

        assert await eventually(third_pass)

    async def keeps_up() -> bool:
        said = await told(here, domain)
        assert said["time_left"] is None
        return bool(said["course"] == Course.NOT_CONVERGING)

    assert await eventually(keeps_up)
    return Stuck(domain, arriving, virsh)


async def both(here: Host, there: Host, migration: Stuck, act: Callable[[], Awaitable[object]]) -> Ends:
    """How both sides end, and what virsh says of it, once that is done."""
    async with both_attached(here, migration.domain, there, migration.arriving) as (leaving_side, arriving_side):
        await act()
        errors = await ended(migration.virsh)
        out, into = await asyncio.gather(leaving_side.outcome(), arriving_side.outcome())
    agree(out, errors)
    agree(into, errors)
    return Ends(found(out), found(into), errors, out)


async def test_a_guest_that_writes_as_fast_as_it_is_sent_is_helped_by_downtime(here: Host, there: Host) -> None:
    migration = await stuck(here, there)
    said = await told(here, migration.domain)
    assert said["downtime"] > said["max_downtime"] == 300
    assert said["max_bandwidth"] == int(LINK) << 20
    assert said["summary"].startswith("not converging: the guest dirties ")
    ends = await both(here, there, migration, lambda: told_if_there(here, migration.domain, "--max-downtime", "100000"))
    assert (ends.out, ends.into, ends.errors) == (COMPLETED, COMPLETED, "")
    assert ends.outcome.downtime is not None


async def told_if_there(host: Host, domain: DomainKey, *options: str) -> None:
    """Change it; it may be over before anything is said."""
    command = [sys.executable, "-m", "tui", "-c", host.uri, "migration", domain.uuid, *options]
    await (
        await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
    ).wait()


async def test_one_that_is_aborted(here: Host, there: Host) -> None:
    migration = await stuck(here, there)

    async def abort() -> None:
        async with LibvirtBackend(here.uri) as backend:
            await backend.abort(migration.domain)

    ends = await both(here, there, migration, abort)
    assert ends.out in {CANCELLED, FAILED}
    assert ends.into == FAILED


async def test_one_that_is_helped_by_post_copy(here: Host, there: Host) -> None:
    migration = await stuck(here, there, "--postcopy")
    ends = await both(here, there, migration, lambda: told_if_there(here, migration.domain, "--postcopy"))
    assert (ends.out, ends.into, ends.errors) == (COMPLETED, COMPLETED, "")


async def interrupt(here: Host, migration: Stuck) -> None:
    """Switch to post-copy, and cut it."""
    async with LibvirtBackend(here.uri) as backend:
        await backend.start_postcopy(migration.domain)

        async def runs_there() -> bool:
            return bool((await told(here, migration.domain))["course"] == Course.POSTCOPY)

        assert await eventually(runs_there)
        await backend.abort(migration.domain, postcopy=True)


SLOWLY = ("--postcopy", "--postcopy-bandwidth", "1")
"""Options of a migration whose post-copy lasts a second for each MiB."""


async def test_a_post_copy_that_is_cut_is_unproven_and_can_be_recovered(here: Host, there: Host) -> None:
    migration = await stuck(here, there, *SLOWLY, mib=32)
    ends = await both(here, there, migration, lambda: interrupt(here, migration))
    assert (ends.out, ends.into) == (UNPROVEN, UNPROVEN)
    assert "--postcopy-resume" in ends.outcome.detail
    assert (await told(here, migration.domain))["course"] == Course.POSTCOPY_FAILED
    for host, key in ((here, migration.domain), (there, migration.arriving)):
        async with LibvirtBackend(host.uri) as backend:
            with pytest.raises(DomainBusy):
                await backend.resume(key)

    async def recover() -> None:
        command = ["migrate", migration.domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"]
        migration.virsh = here.virsh(*command, "--postcopy", "--postcopy-resume", "--postcopy-bandwidth", "64")

    ends = await both(here, there, migration, recover)
    assert (ends.out, ends.into, ends.errors) == (COMPLETED, COMPLETED, "")


async def test_a_wait_ends_when_the_guest_is_lost_with_the_other_side_of_a_cut_post_copy(
    here: Host, there: Host
) -> None:
    migration = await stuck(here, there, *SLOWLY, mib=32)

    async def lose() -> None:
        await interrupt(here, migration)
        assert await ended(there.virsh("destroy", migration.arriving.uuid)) == ""

    ends = await both(here, there, migration, lose)
    assert ends.out == UNPROVEN
    assert ends.into in {FAILED, UNPROVEN}  # libvirt needs ten seconds to end a QEMU that waits for memory.
    async with attached(here, migration.domain, JobOperation.MIGRATION_OUT) as waiting:
        assert await ended(here.virsh("destroy", migration.domain.uuid)) == ""
        assert (await waiting.outcome()).verdict is Verdict.FAILED
