"""Who seems to have requested a job that is followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.errors import NotAnswering
from backend.job_origin import Client, JobOrigin
from backend.model import DomainKey, JobKey, JobOperation, Operation
from backend.observing import requesters
from backend.observing.memory import Memory
from backend.observing.requesters import find_requester
from backend.observing.wait import wait
from backend.records.history import History
from backend.simulator import SimulatorBackend

VIRSH = Client("virsh dump", 812, "root")
DUMP = JobOperation.DUMP
DOMAIN = DomainKey("6d8e6f3c-27e2-4f6c-9f2e-0a5a3d7b1c11", 7, "web-01")


class Watched(SimulatorBackend):
    """It sees who requested a job as soon as `unseen` looks were in vain."""

    def __init__(self, unseen: int = 0) -> None:
        super().__init__("sim:///requesters?domains=1&jobs=0&memory=64")
        self.unseen = unseen
        self.looks = 0

    async def job_origin(self, key: JobKey, operation: Operation) -> JobOrigin:
        self.looks += 1
        return JobOrigin(client=VIRSH if self.looks > self.unseen else None)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requesters, "PAUSE", 0.0)


async def test_it_is_looked_again_for_one_that_comes_to_be_seen_late() -> None:
    assert await find_requester(Watched(unseen=1), DOMAIN, DUMP) == "virsh dump (pid 812, root) (claimed)"


async def test_it_is_not_looked_for_ever() -> None:
    backend = Watched(unseen=99)
    assert await find_requester(backend, DOMAIN, DUMP) == ""
    assert backend.looks == requesters.LOOKS


async def test_no_answer_is_no_requester(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(self: Watched, key: JobKey, operation: Operation) -> JobOrigin:
        raise NotAnswering("no answer")

    monkeypatch.setattr(Watched, "job_origin", hangs)
    assert await find_requester(Watched(), DOMAIN, DUMP) == ""


async def test_a_job_that_was_waited_for_is_remembered_with_it(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    memory = Memory(history, "test")
    async with Watched() as backend:
        domain = await backend.find("vm-01")
        await backend._call(lambda hypervisor: hypervisor.begin_dump(DumpRequest(domain.key, str(tmp_path / "core"))))
        outcome = await wait(backend, domain.key, memory=memory)
    await memory.settle()
    memory.close()
    assert outcome.requester == ""
    assert [entry.requester for entry in history.jobs()] == ["virsh dump (pid 812, root) (claimed)"]
