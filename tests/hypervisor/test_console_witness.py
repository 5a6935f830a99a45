"""What virsh does while a console looks on gets its verdict there, and in the history, as virsh itself saw it end."""

from __future__ import annotations

import pytest

from backend.model import DomainKey
from backend.outcome import Verdict
from backend.records.history import History, Query
from tests.hypervisor.operations import Host, ended
from tests.unit.session.observer import Observer, session

pytestmark = pytest.mark.hypervisor

MIB = 64
COMMANDS = {
    "dump": ["dump", "{uuid}", "{folder}/core", "--memory-only"],
    "dump, compressed": ["dump", "{uuid}", "{folder}/core", "--memory-only", "--format", "kdump-zlib"],
    "dump of libvirt's own format": ["dump", "{uuid}", "{folder}/core", "--live"],
    "save": ["save", "{uuid}", "{folder}/saved"],
    "block copy": ["blockcopy", "{uuid}", "vda", "{folder}/copy", "--wait", "--pivot", "--transient-job"],
}


async def verdict(host: Host, domain: DomainKey, observer: Observer, command: list[str]) -> Verdict:
    """That of the job which this command of virsh makes; virsh must have succeeded."""
    virsh = host.virsh(*(word.format(uuid=domain.uuid, folder=host.folder) for word in command))
    assert await ended(virsh) == ""
    await observer.until(lambda: bool(observer.outcomes))
    [outcome] = observer.outcomes
    assert outcome.domain.uuid == domain.uuid
    assert outcome.detail
    return outcome.verdict


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_a_job_of_somebody_elses_is_followed_to_its_end(here: Host, command: list[str]) -> None:
    domain = here.machines.start("vm", MIB, filled=True, disk=here.disk(64, 48))
    async with session(here.uri) as (running, observer):
        await observer.until(lambda: any(row.domain.key.uuid == domain.uuid for row in running.rows.values()))
        told = await verdict(here, domain, observer, command)
        assert told is Verdict.COMPLETED, observer.outcomes
    [entry] = History().jobs(Query(name=domain.uuid))
    assert (entry.verdict, entry.uri) == (told, here.uri)
    assert entry.observer.endswith("(console)")
