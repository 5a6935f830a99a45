"""A host that is reached over TLS: nothing of it can be seen but through its daemon."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.libvirt.backend import LibvirtBackend
from backend.outcome import Evidence, Verdict
from tests.cli.command import one_line, virt_jobs
from tests.contract.steps import PATIENCE, attach, job_seen
from tests.hypervisor.daemon import Machines, unique, virsh_dump
from tests.hypervisor.helper import Held
from tests.hypervisor.site import MIB, Site, held_dump
from tests.hypervisor.tls import TlsDaemon
from tests.tui.console import console

pytestmark = pytest.mark.hypervisor

NEAR = "sim:///near?domains=2&jobs=0"


@pytest.fixture(scope="module")
def daemon() -> Iterator[TlsDaemon]:
    daemon = TlsDaemon(Path(tempfile.mkdtemp(prefix="vj-")))
    yield daemon
    daemon.stop()
    shutil.rmtree(daemon.folder, ignore_errors=True)


@pytest.fixture
def far(daemon: TlsDaemon) -> Iterator[Site]:
    if not daemon.alive:
        daemon.start()
    with Machines(daemon.uri) as machines:
        yield Site(daemon, machines, [machines.start(unique("far"), MIB, paused=True)])


def test_it_is_listed_beside_others(daemon: TlsDaemon, far: Site) -> None:
    listed = virt_jobs("-c", daemon.remote_uri, "-c", NEAR, "list", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    found = {(line["uri"], line["name"]) for line in map(json.loads, listed.stdout.splitlines())}
    assert found == {(daemon.remote_uri, far.domains[0].name), (NEAR, "vm-01"), (NEAR, "vm-02")}


def test_who_has_no_certificate_is_told_so_in_one_line(daemon: TlsDaemon, far: Site, tmp_path: Path) -> None:
    refused = virt_jobs("-c", daemon.uri_with(tmp_path), "list")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert one_line(refused.stderr)
    assert str(tmp_path) in refused.stderr


async def test_the_console_shows_its_jobs(daemon: TlsDaemon, far: Site) -> None:
    async with console(daemon.remote_uri, NEAR, size=(160, 40)) as user:
        await user.sees(far.domains[0].name, "vm-01")
        with held_dump(far, far.domains[0]):
            await user.sees("1 job ")
        await user.sees("0 jobs")


def test_the_end_of_a_dump_of_ours_is_known(daemon: TlsDaemon, far: Site) -> None:
    target = daemon.folder / unique("core")
    dumped = virt_jobs("-c", daemon.remote_uri, "dump", far.domains[0].uuid, str(target))
    assert dumped.returncode == 0, dumped.stderr
    assert "completed (evidence: result)" in dumped.stdout + dumped.stderr
    assert target.stat().st_size > MIB << 20


async def test_of_a_dump_of_others_nobody_claims_what_only_its_file_could_prove(daemon: TlsDaemon, far: Site) -> None:
    [domain], path = far.domains, daemon.folder / unique("core")
    async with LibvirtBackend(daemon.remote_uri) as backend:
        assert not backend.capabilities.local
        with Held(path) as held, virsh_dump(daemon.uri, domain, path, "--memory-only") as dump:
            await job_seen(backend, domain)
            waiting = await attach(backend, domain, holds_file=False)
            held.release()
            outcome = await asyncio.wait_for(waiting, PATIENCE)
            assert await asyncio.to_thread(dump.wait) == 0
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.HYPERVISOR)
    assert outcome.path is None
