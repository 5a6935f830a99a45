"""The daemon dies under a dump, or the connection to it is cut. Only real daemons die like this."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import libvirt_qemu
import pytest

from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, DomainState
from backend.outcome import Evidence, Outcome, Verdict
from backend.running.start import start_dump
from tests.contract.steps import PATIENCE, attach, dump_of, job_seen
from tests.eventually import eventually
from tests.hypervisor.daemon import Machines, PrivateDaemon, process_of, unique, virsh_dump
from tests.hypervisor.helper import Held, helper_of
from tests.hypervisor.proxy import Proxy
from tui.cli.follow import Report

pytestmark = pytest.mark.hypervisor
MIB = 48


@dataclass
class Scene:
    daemon: PrivateDaemon
    domain: DomainKey
    path: Path
    held: Held
    waiting: asyncio.Task[Outcome]
    foreign: subprocess.Popen[bytes] | None
    watching: LibvirtBackend
    """The waiter's."""
    seen: asyncio.Event
    """Set whenever the waiter sees the job."""

    async def release(self) -> None:
        """Let the dump go on, which was held from its begin."""
        await asyncio.to_thread(self.held.release)


@pytest.fixture
def folder(daemon: PrivateDaemon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the daemon, which is nobody's, can write."""
    folder = daemon.folder / unique("dumps")
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@asynccontextmanager
async def attached(
    daemon: PrivateDaemon, folder: Path, initiator: str, format: str, uri: str = ""
) -> AsyncIterator[Scene]:
    """A held dump of a domain whose memory is full, and a waiter, at `uri` or the daemon's own, that has its file."""
    path, seen = folder / "dump", asyncio.Event()
    machines = Machines(daemon.uri)
    domain = await asyncio.to_thread(machines.start, unique("vm"), MIB, False, True)
    with Held(path) as held:
        async with LibvirtBackend(daemon.uri) as backend, LibvirtBackend(uri or daemon.uri) as watching:
            foreign = None
            if initiator == "ours":
                await start_dump(backend, dump_of(domain, path, format))
            else:
                foreign = virsh_dump(daemon.uri, domain, path, *(["--memory-only"] if format != "raw" else []))
                await job_seen(backend, domain)
            waiting = await attach(watching, domain, lambda stats: seen.set())
            try:
                yield Scene(daemon, domain, path, held, waiting, foreign, watching, seen)
            finally:
                waiting.cancel()
                if foreign is not None:
                    foreign.kill()
                    foreign.communicate()
                await asyncio.to_thread(_clear, daemon, domain)


def _clear(daemon: PrivateDaemon, domain: DomainKey) -> None:
    # A daemon that has seen the end of an orphaned dump may be dying of it: nothing is asked of this one any more.
    daemon.stop()
    with contextlib.suppress(LookupError, ProcessLookupError):
        os.kill(process_of(domain), signal.SIGKILL)


@contextlib.contextmanager
def answered(backend: LibvirtBackend, call: str) -> Iterator[asyncio.Event]:
    """Set once that call, whoever makes it, has been answered."""
    made, done = getattr(backend, call), asyncio.Event()

    async def noticed(*arguments: Any) -> Any:
        answer = await made(*arguments)
        done.set()
        return answer

    with patch.object(backend, call, noticed):
        yield done


def migration_of(daemon: PrivateDaemon, domain: DomainKey) -> str:
    """How QEMU says that its migration, which a stream to a file is, goes."""
    answer = libvirt_qemu.qemuMonitorCommand(Machines(daemon.uri).handle(domain), '{"execute":"query-migrate"}', 0)
    return str(json.loads(answer)["return"].get("status"))


async def outcome_with_a_living_daemon(scene: Scene) -> Outcome:
    """The outcome; until then the daemon is started again as often as it dies (libvirt 9 does when QEMU is done)."""
    async with asyncio.timeout(PATIENCE):
        while not scene.waiting.done():
            if not scene.daemon.alive:
                await asyncio.to_thread(scene.daemon.start)
            await asyncio.wait({scene.waiting}, timeout=0.2)
    return scene.waiting.result()


@pytest.mark.parametrize("initiator", ["ours", "foreign"])
async def test_qemu_finishes_a_dump_whose_daemon_was_killed(
    daemon: PrivateDaemon, folder: Path, initiator: str
) -> None:
    async with attached(daemon, folder, initiator, "elf") as scene:
        daemon.kill()
        await asyncio.to_thread(daemon.start)
        await scene.release()
        outcome = await outcome_with_a_living_daemon(scene)
        assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE), outcome
        assert scene.path.stat().st_size > MIB << 20


async def test_a_domain_that_a_dead_dump_left_paused_is_told_and_can_be_resumed(
    daemon: PrivateDaemon, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with attached(daemon, folder, "ours", "elf") as scene:
        with answered(scene.watching, "domains") as state_seen:
            daemon.kill()
            await asyncio.to_thread(daemon.start)
            await asyncio.wait_for(state_seen.wait(), PATIENCE)
        await scene.release()
        outcome = await outcome_with_a_living_daemon(scene)
        assert outcome.left_paused, outcome
        Report(scene.domain, daemon.uri, as_json=False).outcome(outcome)
        *command, name = shlex.split(capsys.readouterr().err.rpartition("resume it with: ")[2])
        assert (command[:4], name) == (["virt-jobs", "-c", daemon.uri, "resume"], scene.domain.name)
        if not daemon.alive:
            await asyncio.to_thread(daemon.start)
        async with LibvirtBackend(daemon.uri) as backend:
            assert (await backend.find(scene.domain.uuid)).state is DomainState.PAUSED
            await backend.resume(scene.domain)
            assert (await backend.find(scene.domain.uuid)).state is DomainState.RUNNING


@pytest.mark.parametrize("initiator", ["ours", "foreign"])
async def test_a_stream_whose_daemon_was_killed_has_failed(daemon: PrivateDaemon, folder: Path, initiator: str) -> None:
    async with attached(daemon, folder, initiator, "raw") as scene:
        # The daemon that comes back cancels the migration that it finds: QEMU must not have been done before.
        daemon.kill()
        await asyncio.to_thread(daemon.start)
        await asyncio.to_thread(eventually, lambda: migration_of(daemon, scene.domain).startswith("cancel"))
        await scene.release()
        outcome = await outcome_with_a_living_daemon(scene)
        assert outcome.verdict is Verdict.FAILED, outcome


@pytest.mark.parametrize("initiator", ["ours", "foreign"])
async def test_a_stream_that_qemu_finished_without_the_daemon_is_whole(
    daemon: PrivateDaemon, folder: Path, initiator: str
) -> None:
    async with attached(daemon, folder, initiator, "raw") as scene:
        daemon.kill()
        await scene.release()
        await asyncio.to_thread(eventually, lambda: helper_of(scene.path) is None)
        await asyncio.to_thread(daemon.start)
        outcome = await outcome_with_a_living_daemon(scene)
        assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE), outcome


@pytest.mark.parametrize("initiator", ["ours", "foreign"])
async def test_a_daemon_that_is_told_to_end_is_survived(daemon: PrivateDaemon, folder: Path, initiator: str) -> None:
    async with attached(daemon, folder, initiator, "elf") as scene:
        daemon.signal(signal.SIGTERM)
        await scene.release()
        outcome = await outcome_with_a_living_daemon(scene)
        assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE), outcome


async def test_a_daemon_that_stays_away_leaves_the_file_to_tell(daemon: PrivateDaemon, folder: Path) -> None:
    async with attached(daemon, folder, "foreign", "elf") as scene:
        daemon.kill()
        await scene.release()
        outcome = await asyncio.wait_for(scene.waiting, PATIENCE)
        assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE), outcome


async def test_fifty_waiters_on_one_job_all_learn_its_result(daemon: PrivateDaemon, folder: Path) -> None:
    async with attached(daemon, folder, "ours", "elf") as scene, LibvirtBackend(daemon.uri, readonly=True) as backend:
        waiters = await asyncio.gather(*(attach(backend, scene.domain, holds_file=False) for _ in range(50)))
        await scene.release()
        outcomes = await asyncio.gather(*waiters)
        assert {(outcome.verdict, outcome.evidence) for outcome in outcomes} == {(Verdict.COMPLETED, Evidence.RESULT)}


@pytest.mark.parametrize(("initiator", "evidence"), [("ours", Evidence.RESULT), ("foreign", Evidence.FILE)])
async def test_a_waiter_whose_connection_was_cut_takes_the_same_job_up_again(
    daemon: PrivateDaemon, folder: Path, initiator: str, evidence: Evidence
) -> None:
    socket = daemon.folder / "run/libvirt/libvirt-sock"
    async with (
        Proxy(daemon.folder / "proxy", socket) as proxy,
        attached(daemon, folder, initiator, "elf", proxy.uri) as scene,
    ):
        await proxy.cut()
        await proxy.mend()
        scene.seen.clear()
        await asyncio.wait_for(scene.seen.wait(), PATIENCE)
        await scene.release()
        outcome = await asyncio.wait_for(scene.waiting, PATIENCE)
        assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, evidence), outcome
        assert not outcome.left_paused
