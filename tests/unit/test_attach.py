"""The first look at a job that is to be waited for."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import OperationFailed
from backend.job_stats import JobStats, JobType
from backend.model import DomainKey, JobOperation
from backend.observing import attach as attaching
from backend.observing.attach import attach
from backend.records.journal import Journal
from backend.simulator import SimulatorBackend
from backend.verdicts.attachment import Attachment

DOMAIN = DomainKey("11111111-2222-3333-4444-555555555555", 7, "vm")
BACKUP = JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, 120, disk_temp_used=0, disk_temp_total=1 << 28)
NO_DATA = OperationFailed("vnitřní chyba: chybí data úlohy zálohy", code=1)


class Beginning(SimulatorBackend):
    """A hypervisor whose looks at a job end in `answers`, the last of them again and again."""

    def __init__(self, *answers: JobStats | OperationFailed) -> None:
        super().__init__("sim:///beginning?domains=0")
        self.answers = list(answers)
        self.looks = 0

    async def job(self, domain: DomainKey) -> JobStats | None:
        self.looks += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OperationFailed):
            raise answer
        return answer


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.db")


async def test_a_backup_that_has_no_data_yet_is_looked_at_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "LOOK_INTERVAL", 0.0)
    async with Beginning(NO_DATA, NO_DATA, BACKUP) as backend:
        attachment = await attach(backend, DOMAIN, JobOperation.BACKUP, None, journal)
    assert isinstance(attachment, Attachment)
    assert (attachment.operation, attachment.last) == (JobOperation.BACKUP, BACKUP)


async def test_but_not_for_ever(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "LOOKING", 0.0)
    async with Beginning(NO_DATA) as backend:
        with pytest.raises(OperationFailed, match="chybí data"):
            await attach(backend, DOMAIN, None, None, journal)


async def test_any_other_failure_is_an_answer(journal: Journal) -> None:
    async with Beginning(OperationFailed("no such thing", code=42)) as backend:
        with pytest.raises(OperationFailed, match="no such thing"):
            await attach(backend, DOMAIN, None, None, journal)
        assert backend.looks == 1
