"""A domain that does not answer, in the console: what was known last, as such, and nothing that may not be so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.model import DomainKey
from backend.simulator import SimulatorBackend
from tests.simulator_hold import Hold, hanging
from tests.tui.console import console

URI = "sim:///silent?domains=3&jobs=0&memory=64"
WELL = "sim:///well?domains=1&jobs=0&memory=16"


@pytest.fixture
async def dumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DomainKey]:
    """One whose dump is held."""
    monkeypatch.setattr(SimulatorBackend, "deadline", 0.1)
    async with Hold(URI), SimulatorBackend(URI) as other:
        domain = (await other.find("vm-01")).key
        await other.begin_dump(DumpRequest(domain, str(tmp_path / "core")))
        yield domain


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_its_job_is_the_last_known_one_until_it_answers_again(dumped: DomainKey, size: tuple[int, int]) -> None:
    async with console(URI, size=size) as user:
        await user.sees("▌ vm-01", "paused", "dump")
        with hanging(URI, dumped):
            await user.sees("no answer", "not answering since", "last known", "does not answer")
            await user.sees_no("resumes it", "left paused", "no job", "answers again")
        await user.sees("paused", "answers again")
        await user.sees_no("last known", "no answer")


async def test_nothing_can_be_requested_of_it(dumped: DomainKey) -> None:
    async with console(URI, size=(160, 50)) as user:
        await user.sees("▌ vm-01", "paused", "dump")
        with hanging(URI, dumped):
            await user.sees("not answering since")
            for key in ("r", "d", "a"):
                await user.press(key)
                await user.sees("vm-01 does not answer")


async def test_a_wait_for_its_job_says_so_and_goes_on(dumped: DomainKey) -> None:
    async with console(URI, size=(100, 30)) as user:
        await user.sees("▌ vm-01", "paused", "dump")
        await user.press("w")
        await user.sees("waiting for dump")
        with hanging(URI, dumped):
            await user.sees("not answering since", "this is what was known last")
        await user.sees_no("not answering since")
        await user.sees("waiting for dump")


async def test_domains_of_other_hosts_are_as_they_were(dumped: DomainKey) -> None:
    async with console(WELL, URI, size=(160, 50)) as user:
        await user.sees("vm-01", "paused", "dump")
        with hanging(URI, dumped):
            await user.sees("no answer", "running")
