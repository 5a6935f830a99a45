"""A dump that libvirt makes of a guest that panicked: every command names who requested it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from backend.model import DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from backend.simulator import SimulatorBackend
from tests.cli.command import virt_jobs_process
from tests.contract.steps import PATIENCE, eventually
from tests.simulator_hold import Hold
from tui.words import outcomes

URI = "sim:///panic?domains=1&jobs=0&memory=8"
BY = "libvirt (guest panicked)"


@pytest.fixture
async def held() -> AsyncIterator[Hold]:
    async with Hold(URI) as hold, SimulatorBackend(URI) as backend:
        domain = (await backend.find("vm-01")).key
        await backend.panic(domain, restart=True)

        async def dumping() -> bool:
            return await backend.automatic_dump(domain) is not None

        await eventually(dumping)
        yield hold


async def printed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(virt_jobs_process, "-c", URI, *arguments)


async def test_list_and_info_name_libvirt(held: Hold) -> None:
    assert f" dump by {BY} " in (await printed("list")).stdout
    told = (await printed("info", "vm-01")).stderr
    listed, shown = [
        json.loads((await printed(*command, "--json")).stdout)["job"] for command in (["list"], ["info", "vm-01"])
    ]
    assert listed["requester"] == shown["requester"] == BY
    assert told == f"virt-jobs: vm-01: dump by {BY} -> {shown['path']}\n"


async def test_its_outcome_names_libvirt(held: Hold) -> None:
    waiting = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "-c", URI, "wait", "vm-01", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert waiting.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert json.loads(await waiting.stdout.readline())["event"] == "progress"
        held.release()
        output, _ = await waiting.communicate()
    outcome = json.loads(output.splitlines()[-1])
    assert (outcome["event"], outcome["verdict"], outcome["requester"]) == ("outcome", "completed", BY)


@pytest.mark.parametrize(
    ("requester", "words"),
    [
        (BY, "vm-01: dump by libvirt (guest panicked) completed (evidence: file) -> /core (elf)"),
        ("libvirt (watchdog)", "vm-01: dump by libvirt (watchdog) completed (evidence: file) -> /core (elf)"),
        (f"{BY} (claimed)", "vm-01: dump completed (evidence: file) -> /core (elf)"),
        ("root@hv3", "vm-01: dump completed (evidence: file) -> /core (elf)"),
        ("", "vm-01: dump completed (evidence: file) -> /core (elf)"),
    ],
)
def test_the_text_names_libvirt_alone(requester: str, words: str) -> None:
    domain = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "vm-01")
    outcome = Outcome(domain, JobOperation.DUMP, Verdict.COMPLETED, Evidence.FILE, "Its file is whole.")
    assert outcomes.report(replace(outcome, path="/core", format="elf", requester=requester)) == words
