"""One console on several hosts of which some misbehave: what happens on the good one shows as it does without them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from backend.libvirt.connection.pool import DEADLINE
from tests.hypervisor.proxy import Proxy
from tests.hypervisor.site import Site, held_dump, hung_dump, site
from tests.tui.console import User, console

pytestmark = pytest.mark.hypervisor

NAMES = ("good", "slow", "stopped", "killed", "hung")
HELD_UP = DEADLINE
"""Seconds more than usual that it takes to show a job if that waits for a call to another host."""


@pytest.fixture(scope="module")
def sites() -> Iterator[dict[str, Site]]:
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        contexts = [site(name, 2) for name in NAMES]
        entered = list(pool.map(lambda context: context.__enter__(), contexts))
        for context in contexts:
            stack.push(context)
        yield dict(zip(NAMES, entered, strict=True))


@pytest.fixture
async def line(sites: dict[str, Site]) -> AsyncIterator[Proxy]:
    """Between the console and the slow daemon."""
    folder = sites["slow"].daemon.folder
    async with Proxy(folder / "line", folder / "run/libvirt/libvirt-sock") as proxy:
        yield proxy


@pytest.fixture
async def user(sites: dict[str, Site], line: Proxy) -> AsyncIterator[User]:
    """Of a console on all of them, which has seen them all."""
    uris = [line.uri if name == "slow" else there.daemon.uri for name, there in sites.items()]
    async with console(*uris, size=(160, 40)) as user:
        await user.sees(*(f"{name}-00{number}" for name in NAMES for number in range(2)))
        yield user


async def shows_a_job(user: User, good: Site) -> float:
    """Seconds from the request of a job there until it is shown."""
    began = time.monotonic()
    with ExitStack() as dumps:
        await asyncio.to_thread(dumps.enter_context, held_dump(good, good.domains[0]))
        await user.sees("1 job")
        seconds = time.monotonic() - began
        await asyncio.to_thread(dumps.close)
    await user.sees("0 jobs")
    return seconds


async def test_a_daemon_on_a_slow_line_holds_nobody_up(user: User, sites: dict[str, Site], line: Proxy) -> None:
    usual = await shows_a_job(user, sites["good"])
    line.delay = 1.0
    assert await shows_a_job(user, sites["good"]) < usual + HELD_UP


async def test_a_daemon_that_was_stopped_holds_nobody_up(user: User, sites: dict[str, Site]) -> None:
    usual = await shows_a_job(user, sites["good"])
    sites["stopped"].daemon.signal(signal.SIGSTOP)
    try:
        assert await shows_a_job(user, sites["good"]) < usual + HELD_UP
    finally:
        sites["stopped"].daemon.signal(signal.SIGCONT)


async def test_a_daemon_that_was_killed_is_told_and_is_back_when_it_is(user: User, sites: dict[str, Site]) -> None:
    usual = await shows_a_job(user, sites["good"])
    killed = sites["killed"].daemon
    killed.kill()
    await user.sees("^r now")
    assert await shows_a_job(user, sites["good"]) < usual + HELD_UP
    await asyncio.to_thread(killed.start)
    await user.sees_no("^r now", "trying again")


async def test_a_domain_that_hangs_is_told_and_holds_nobody_up(user: User, sites: dict[str, Site]) -> None:
    usual = await shows_a_job(user, sites["good"])
    hung = sites["hung"]
    with ExitStack() as dumps:
        await asyncio.to_thread(dumps.enter_context, hung_dump(hung.daemon, hung.domains[0]))
        assert await shows_a_job(user, sites["good"]) < usual + HELD_UP
        await user.sees("hung-000 does not answer")
        await asyncio.to_thread(dumps.close)
    await user.sees("hung-000 answers again")
