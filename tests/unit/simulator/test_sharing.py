"""One simulator, several processes."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.errors import DomainNotRunning
from backend.model import DomainKey
from backend.simulator import SimulatorBackend

pytestmark = pytest.mark.process

URI = "sim:///shared?domains=2&memory=1024&rate=512"
"""A dump takes two seconds."""

DUMP = """
import asyncio, sys
from backend import DumpRequest, open_backend
async def main():
    async with open_backend(sys.argv[1]) as backend:
        await backend.call_dump(DumpRequest((await backend.domains())[0].key, sys.argv[2]))
asyncio.run(main())
"""
LIST = """
import asyncio, sys
from backend import open_backend
async def main():
    async with open_backend(sys.argv[1]) as backend:
        print(len(await backend.domains()))
asyncio.run(main())
"""


async def process(code: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def until_job(backend: SimulatorBackend, domain: DomainKey, there: bool) -> None:
    """Wait until the domain has a job, or has none any more."""
    async with asyncio.timeout(30):
        while True:
            if (await backend.job(domain) is not None) is there:
                return
            await asyncio.sleep(0.01)


async def test_all_see_the_same_job(tmp_path: Path) -> None:
    frozen = time.time() + 1
    async with (
        SimulatorBackend(URI) as real,
        SimulatorBackend(URI, clock=lambda: frozen) as one,
        SimulatorBackend(URI, clock=lambda: frozen) as other,
    ):
        domain = (await real.domains())[0].key
        await real.begin_dump(DumpRequest(domain, str(tmp_path / "dump")))
        assert await one.job(domain) == await other.job(domain) is not None


async def test_killing_the_process_that_asked_changes_nothing(tmp_path: Path) -> None:
    async with SimulatorBackend(URI) as backend:
        domain = (await backend.domains())[0].key
        asking = await process(DUMP, URI, str(tmp_path / "dump"))
        await until_job(backend, domain, True)
        asking.send_signal(signal.SIGKILL)
        await asking.communicate()
        assert await backend.job(domain) is not None
        await until_job(backend, domain, False)
    assert (tmp_path / "dump").stat().st_size > 1024 * 2**20


async def test_any_number_may_be_first() -> None:
    several = [await process(LIST, "sim:///first?domains=300&jobs=30") for _ in range(5)]
    assert {(await one.communicate())[0] for one in several} == {b"300\n"}


async def test_no_domain_is_seen_to_run_without_the_job_under_which_it_is_stopped(tmp_path: Path) -> None:
    uri = "sim:///stopped?domains=40&jobs=0&memory=1024&rate=1"
    async with SimulatorBackend(uri) as one, SimulatorBackend(uri) as other:
        domains = [domain.key for domain in await one.domains()]
        for number, domain in enumerate(domains):
            await one.begin_dump(DumpRequest(domain, str(tmp_path / str(number))))
            looking = asyncio.create_task(until_stopped(other, domain))
            await asyncio.sleep(0)
            await one.destroy(domain)
            await asyncio.wait_for(looking, 30)


async def until_stopped(backend: SimulatorBackend, domain: DomainKey) -> None:
    with pytest.raises(DomainNotRunning):
        while True:
            assert await backend.job(domain) is not None
