"""`watch` on real daemons, while others save, dump and copy, and while the daemon dies and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.contract.steps import PATIENCE
from tests.hypervisor.block_jobs import layered_disk
from tests.hypervisor.daemon import Machines, PrivateDaemon, process_of, unique, virsh_dump
from tests.hypervisor.helper import Held
from tests.hypervisor.operations import MIB, Host, ended
from tui.cli.exits import Exit
from tui.words.host_names import host_names

pytestmark = pytest.mark.hypervisor

[THIS_HOST] = host_names(["qemu:///system"], {}).values()


class Watching:
    """The command, and what it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.changes: list[dict[str, Any]] = []

    async def complaint(self) -> str:
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            return (await self._process.stderr.readline()).decode()

    async def until(self, domain: str, event: str, operation: str) -> dict[str, Any]:
        """The next change of that kind."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while True:
                line = await self._process.stdout.readline()
                assert line, "it ended"
                change = json.loads(line)
                self.changes.append(change)
                if (change["domain"], change["event"], change["operation"]) == (domain, event, operation):
                    return dict(change)

    async def end(self) -> str:
        """End it; what it had left to complain of."""
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            out, err = await self._process.communicate()
        self.changes += [json.loads(line) for line in out.splitlines()]
        assert self._process.returncode == Exit.DETACHED
        return err.decode()

    def of(self, domain: str) -> list[tuple[str, str]]:
        """What it has said of a domain's jobs: each operation with its begin or its verdict."""
        return [
            (change["operation"], change["verdict"] or change["event"])
            for change in self.changes
            if change["domain"] == domain
        ]


@asynccontextmanager
async def watching(uri: str, *options: str) -> AsyncIterator[Watching]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", *options, "-c", uri, "watch", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Watching(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.parametrize("options", [[], ["-r"]], ids=["read-write", "read-only"])
async def test_what_virsh_does_is_told_from_begin_to_end(here: Host, options: list[str]) -> None:
    first, second = here.machines.start("vm-1", MIB, filled=True), here.machines.start("vm-2", MIB, filled=True)
    disk = layered_disk(here.folder, 32)
    third = here.machines.start("vm-3", 32, disk=disk)
    async with watching(here.uri, *options) as watch:
        with Held(here.folder / "core") as held:
            dump = here.virsh("dump", first.uuid, here.folder / "core", "--memory-only")
            await watch.until("vm-1", "began", "dump")
            await asyncio.to_thread(held.release)
            assert await ended(dump) == ""
        dumped = await watch.until("vm-1", "ended", "dump")
        with Held(here.folder / "saved") as held:
            save = here.virsh("save", second.uuid, here.folder / "saved")
            await watch.until("vm-2", "began", "save")
            await asyncio.to_thread(held.release)
            assert await ended(save) == ""
        saved = await watch.until("vm-2", "ended", "save")
        copy = ["blockcopy", third.uuid, "vda", here.folder / "copy", "--transient-job", "--wait", "--pivot"]
        assert await ended(here.virsh(*copy)) == ""
        copied = await watch.until("vm-3", "ended", "block copy")
        assert await watch.end() == ""
    assert (dumped["verdict"], dumped["path"]) == ("completed", str(here.folder / "core"))
    assert (saved["verdict"], saved["evidence"]) == ("completed", "lifecycle event")
    assert (copied["verdict"], copied["disk"], copied["evidence"]) == ("completed", "vda", "job event")
    assert watch.of("vm-1") == [("dump", "began"), ("dump", "completed")]
    assert watch.of("vm-2") == [("save", "began"), ("save", "completed")]
    assert watch.of("vm-3") == [("block copy", "began"), ("block copy", "completed")]


async def test_a_daemon_that_dies_and_comes_back_ends_nothing_twice(daemon: PrivateDaemon) -> None:
    folder = daemon.folder / unique("dumps")
    folder.mkdir()
    folder.chmod(0o777)
    with Machines(daemon.uri) as machines:
        before = await asyncio.to_thread(machines.start, unique("before"), MIB, False, True)
        async with watching(daemon.uri) as watch:
            with Held(folder / "core") as held:
                dump = virsh_dump(daemon.uri, before, folder / "core", "--memory-only")
                await watch.until(before.name, "began", "dump")
                daemon.kill()
                assert "; watching again once it is back\n" in await watch.complaint()
                dump.wait()
                await asyncio.to_thread(daemon.start)
                assert await watch.complaint() == f"virt-jobs: {THIS_HOST}: connected again\n"
                await asyncio.to_thread(held.release)
            over = await watch.until(before.name, "ended", "dump")
            if not daemon.alive:  # libvirtd 9.0.0 dies of the end of a dump that it knows nothing of.
                await asyncio.to_thread(daemon.start)
            with Machines(daemon.uri) as later:
                after = await asyncio.to_thread(later.start, unique("after"), MIB, False, True)
                with Held(folder / "next") as held:
                    dump = virsh_dump(daemon.uri, after, folder / "next", "--memory-only")
                    await watch.until(after.name, "began", "dump")
                    await asyncio.to_thread(held.release)
                    last = await watch.until(after.name, "ended", "dump")
                    dump.wait()
            await watch.end()
        # The connection by which it was started is gone.
        os.kill(process_of(before), signal.SIGKILL)
    assert over["verdict"] in ("completed", "unproven")
    assert last["verdict"] == "completed"
    assert [event for _, event in watch.of(before.name)] == ["began", over["verdict"]]
    assert [event for _, event in watch.of(after.name)] == ["began", "completed"]


async def test_a_daemon_that_is_down_at_first_is_watched_once_it_is_up(daemon: PrivateDaemon) -> None:
    daemon.kill()
    folder = daemon.folder / unique("dumps")
    folder.mkdir()
    folder.chmod(0o777)
    async with watching(daemon.uri) as watch:
        assert (await watch.complaint()).endswith("; trying again until it answers\n")
        await asyncio.to_thread(daemon.start)
        assert await watch.complaint() == f"virt-jobs: {THIS_HOST}: connected\n"
        with Machines(daemon.uri) as machines:
            domain = await asyncio.to_thread(machines.start, unique("vm"), MIB, False, True)
            dump = virsh_dump(daemon.uri, domain, folder / "core", "--memory-only")
            over = await watch.until(domain.name, "ended", "dump")
            assert dump.wait() == 0
        assert await watch.end() == ""
    assert over["verdict"] in ("completed", "unproven")
    assert [event for _, event in watch.of(domain.name)] == ["began", over["verdict"]]
