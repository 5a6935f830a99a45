"""Waits for what writes a domain's memory, but dumps: what `wait` says, held against what virsh itself returned."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from backend.errors import NoJob, NotAnswering
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, JobOperation
from backend.observing.wait import wait
from backend.outcome import Verdict
from tests.hypervisor.disk import small_disk
from tests.hypervisor.helper import Held
from tests.hypervisor.onlookers import kill_qemu, onlookers
from tests.hypervisor.operations import (
    CANCELLED,
    COMPLETED,
    FAILED,
    MIB,
    UNPROVEN,
    Act,
    Found,
    Host,
    abort,
    agree,
    arrival,
    attached,
    destroy,
    ended,
    nothing,
)

pytestmark = pytest.mark.hypervisor


async def written(
    host: Host, domain: DomainKey, operation: JobOperation, path: Path, act: Act, command: list[str | Path]
) -> tuple[Found, str]:
    """How an operation ends that writes `path`, and what virsh said; `act` is done while everybody is attached."""
    with Held(path) as held:
        virsh = host.virsh(*command)
        await asyncio.to_thread(held.until_stopped)
        async with attached(host, domain, operation) as waiting:
            await act(host, domain)
            await asyncio.to_thread(held.release)
            errors = await ended(virsh)
            outcome = await waiting.outcome()
    agree(outcome, errors)
    return (outcome.verdict, outcome.evidence), errors


EMPTY = 1024
"""MiB of empty memory, of which a stream has too much to tell to be rid of it at once."""
SAVES = {
    "completed": (nothing, {COMPLETED}),
    # How it was aborted is seen for some ms only.
    "aborted": (abort, {CANCELLED, FAILED}),
    "destroyed": (destroy, {FAILED}),
}


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
@pytest.mark.parametrize(("act", "expected"), SAVES.values(), ids=SAVES)
async def test_a_save(here: Host, act: Act, expected: set[Found], paused: bool) -> None:
    domain = here.machines.start("vm", MIB, paused, filled=True)
    path = here.folder / "saved"
    found, _ = await written(here, domain, JobOperation.SAVE, path, act, ["save", domain.uuid, path])
    assert found in expected


async def test_a_save_into_a_full_disk(here: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    with small_disk(here.folder / "small", MIB // 2) as folder:
        path = folder / "saved"
        found, errors = await written(here, domain, JobOperation.SAVE, path, nothing, ["save", domain.uuid, path])
    assert found == FAILED
    assert "No space left on device" in errors


async def test_a_managed_save(here: Host) -> None:
    domain = here.machines.boot(here.machines.define("vm", EMPTY))
    path = here.daemon.folder / "config/libvirt/qemu/save/vm.save"
    found, _ = await written(here, domain, JobOperation.SAVE, path, nothing, ["managedsave", domain.uuid])
    assert found == COMPLETED


@pytest.mark.parametrize(
    ("act", "verdict"),
    [
        pytest.param(nothing, Verdict.COMPLETED, id="completed"),
        pytest.param(destroy, Verdict.FAILED, id="destroyed"),
        pytest.param(kill_qemu, Verdict.FAILED, id="QEMU killed"),
    ],
)
@pytest.mark.parametrize("cut", [False, True], ids=["connected", "cut"])
async def test_every_waiter_of_a_save_learns_the_same(here: Host, act: Act, verdict: Verdict, cut: bool) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    path = here.folder / "saved"
    with Held(path) as held:
        virsh = here.virsh("save", domain.uuid, path)
        await asyncio.to_thread(held.until_stopped)
        async with onlookers(here, domain, JobOperation.SAVE) as waiting:
            if cut:
                await waiting.proxy.cut()
            await act(here, domain)
            await asyncio.to_thread(held.release)
            errors = await ended(virsh)
            assert await waiting.verdicts(cut) == {verdict}
    assert bool(errors) is (verdict is Verdict.FAILED)


async def test_a_save_under_which_the_daemon_dies_is_never_said_to_be_complete(here: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    path = here.folder / "saved"
    with Held(path) as held:
        virsh = here.virsh("save", domain.uuid, path)
        await asyncio.to_thread(held.until_stopped)
        async with attached(here, domain, JobOperation.SAVE) as waiting:
            await asyncio.to_thread(here.daemon.kill)
            await asyncio.to_thread(held.release)
            await asyncio.to_thread(here.daemon.start)
            assert await ended(virsh)
            outcome = await waiting.outcome()
    assert outcome.verdict in (Verdict.FAILED, Verdict.UNPROVEN), outcome


SNAPSHOTS = {
    # Nothing that libvirt tells of a snapshot is told of successful ones only.
    "completed": (nothing, {UNPROVEN}),
    "aborted": (abort, {CANCELLED, UNPROVEN}),
    "destroyed": (destroy, {FAILED}),
}


@pytest.mark.parametrize(("act", "expected"), SNAPSHOTS.values(), ids=SNAPSHOTS)
async def test_an_external_snapshot_with_memory(here: Host, act: Act, expected: set[Found]) -> None:
    domain = here.machines.start("vm", MIB, filled=True, disk=here.disk(64))
    path = here.folder / "memory"
    layer = f"vda,file={here.folder}/layer.qcow2"
    command = ["snapshot-create-as", domain.uuid, "one", "--memspec", f"file={path}", "--diskspec", layer]
    found, _ = await written(here, domain, JobOperation.SNAPSHOT, path, act, command)
    assert found in expected


async def test_a_restore_answers_no_question_and_nothing_is_claimed_of_it(here: Host) -> None:
    domain = here.machines.start("vm", 2 * MIB, filled=True)
    path = here.folder / "saved"
    assert await ended(here.virsh("save", domain.uuid, path)) == ""
    virsh = here.virsh("restore", path)
    # Nothing can hold it: libvirt has no process of its own read the file, or has it read the domain from there first.
    restoring = await arrival(here, domain, virsh, may_be_in=True)
    async with LibvirtBackend(here.uri) as backend:
        with pytest.raises((NoJob, NotAnswering)):
            await wait(backend, restoring, JobOperation.RESTORE)
    assert await ended(virsh) == ""


async def test_of_an_internal_snapshot_and_of_its_deletion_nothing_is_claimed(here: Host) -> None:
    domain = here.machines.start("vm", 2 * MIB, filled=True, disk=here.disk(512))
    async with LibvirtBackend(here.uri) as backend:
        for command in (["snapshot-create-as", domain.uuid, "one"], ["snapshot-delete", domain.uuid, "one"]):
            virsh = here.virsh(*command)
            while virsh.poll() is None:
                # libvirt answers no question as long as QEMU is at it, and tells nothing of the end.
                with contextlib.suppress(NoJob, NotAnswering):
                    assert (await wait(backend, domain, None)).verdict is Verdict.UNPROVEN
            assert await ended(virsh) == ""
