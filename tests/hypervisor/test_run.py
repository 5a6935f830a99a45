"""`run` on real daemons: what it says of the command and of the job that this has caused, each by its own proof."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.records.commands import Commands
from tests.contract.steps import PATIENCE, eventually
from tests.hypervisor.helper import Held
from tests.hypervisor.operations import MIB, Host
from tui.cli.exits import Exit

pytestmark = pytest.mark.hypervisor


@dataclass
class Told:
    """What `run` said, and its exit code."""

    code: int
    events: list[dict[str, Any]]

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        return [
            (event["operation"], event["verdict"], event["evidence"])
            for event in self.events
            if event["event"] == "outcome"
        ]

    @property
    def result(self) -> tuple[str, str]:
        [result] = [event for event in self.events if event["event"] == "result"]
        return result["verdict"], result["evidence"]


async def start(host: Host, *arguments: str | Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "-c", host.uri, "run", "--json", *map(str, arguments)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def told(process: asyncio.subprocess.Process) -> Told:
    async with asyncio.timeout(PATIENCE):
        out, errors = await process.communicate()
    assert process.returncode is not None
    assert errors == b""
    return Told(process.returncode, [json.loads(line) for line in out.splitlines()])


async def run(host: Host, *arguments: str | Path) -> Told:
    return await told(await start(host, *arguments))


async def test_a_save(here: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    ended = await run(here, domain.uuid, "--", "virsh", "save", domain.uuid, here.folder / "saved")
    assert ended.outcomes == [("save", "completed", "lifecycle event")]
    assert (ended.code, ended.result) == (Exit.COMPLETED, ("completed", "exit status 0"))
    assert (here.folder / "saved").exists()


@pytest.mark.parametrize("destroyed", [False, True], ids=["goes on", "destroyed"])
async def test_a_save_whose_virsh_is_killed_goes_on_to_an_end_of_its_own(here: Host, destroyed: bool) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    path = here.folder / "saved"
    with Held(path) as held:
        process = await start(here, domain.uuid, "--", "virsh", "save", domain.uuid, path)
        await asyncio.to_thread(held.until_stopped)

        async def followed() -> bool:
            [record] = Commands().history()
            return bool(record.jobs)

        await eventually(followed)
        [record] = Commands().history()
        os.kill(record.command_pid, signal.SIGKILL)
        await eventually(lambda: _over(record.id))
        if destroyed:
            here.machines.destroy(domain)
        await asyncio.to_thread(held.release)
        ended = await told(process)
    verdict = ("save", "failed" if destroyed else "completed", "lifecycle event")
    assert ended.outcomes == [verdict]
    assert (ended.code, ended.result) == (Exit.FAILED, ("failed", "killed by SIGKILL"))


async def _over(record_id: str) -> bool:
    record = Commands().read(record_id)
    return record is not None and record.over


async def test_a_live_migration(here: Host, there: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    ended = await run(
        here,
        *(domain.uuid, "--", "virsh", "migrate", "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"),
        *(domain.uuid, there.uri),
    )
    assert ended.outcomes == [("migration out", "completed", "lifecycle event")]
    assert (ended.code, ended.result) == (Exit.COMPLETED, ("completed", "exit status 0"))


async def test_a_block_copy_that_pivots(here: Host) -> None:
    domain = here.machines.start("vm", MIB, disk=here.disk(64, 16))
    copy = here.folder / "copy"
    ended = await run(
        here,
        *(domain.uuid, "--", "virsh", "blockcopy", domain.uuid, "vda", copy, "--transient-job", "--wait", "--pivot"),
    )
    assert ended.outcomes == [("block copy", "completed", "job event")]
    assert (ended.code, ended.result) == (Exit.COMPLETED, ("completed", "exit status 0"))


async def test_a_block_copy_that_the_command_leaves_behind_is_followed_until_it_is_ready(here: Host) -> None:
    domain = here.machines.start("vm", MIB, disk=here.disk(64, 16))
    ended = await run(
        here, *(domain.uuid, "--", "virsh", "blockcopy", domain.uuid, "vda", here.folder / "copy", "--transient-job")
    )
    assert (ended.code, ended.outcomes, ended.result[0]) == (Exit.COMPLETED, [], "completed")
    ready = ended.events[-1]
    assert (ready["event"], ready["disk"]) == ("ready", "vda")
    here.machines.destroy(domain)
    last = await run(here, domain.uuid, "--last")
    assert last.code == Exit.COMPLETED
    assert [(operation, verdict) for operation, verdict, _ in last.outcomes] == [("block copy", "failed")]


async def test_a_command_that_destroys_its_domain(here: Host) -> None:
    domain = here.machines.start("vm", MIB)
    ended = await run(here, domain.uuid, "--", "sh", "-c", "virsh destroy $VIRT_JOBS_UUID; exit 3")
    assert (ended.code, ended.outcomes) == (Exit.FAILED, [])
    assert ended.result == ("failed", "exit status 3")
