"""How a domain's last job ended: what is remembered of it, and what the shared record claims."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.dump_request import DumpRequest
from backend.model import DomainKey, JobOperation
from backend.observing.last_job import JobChoice, LastJob, last_job
from backend.outcome import Evidence, Outcome, Verdict
from backend.records import process
from backend.records.entry import JobEntry, with_outcome
from backend.records.history import History
from backend.records.host import HOST_FOLDER
from backend.records.journal import Journal
from backend.records.machine import boottime, this_machine
from backend.records.record import JobRecord, RecordState
from backend.simulator import SimulatorBackend

DOMAIN = DomainKey("11111111-2222-3333-4444-555555555555", 7, "vm")
DUMP = JobOperation.DUMP
ANY = JobChoice(None)
DUMPS = JobChoice(DUMP)


class Sharing(SimulatorBackend):
    """Every domain has this record in its metadata."""

    def __init__(self, shared: JobRecord | None = None) -> None:
        super().__init__("sim:///sharing")
        self._shared = shared

    async def record(self, domain: DomainKey) -> JobRecord | None:
        return self._shared


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    folder = tmp_path / "host"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv(HOST_FOLDER, str(folder))
    return History(folder / "history.db")


def seen(
    verdict: Verdict | None,
    evidence: Evidence = Evidence.FILE,
    ago: float = 60.0,
    took: float = 10.0,
    operation: JobOperation = DUMP,
    **values: Any,
) -> JobEntry:
    """What the host's witness saw of a job that began so many seconds ago."""
    began, uptime = time.time() - ago, boottime() - ago
    fields = {
        "id": f"seen {ago} {operation}",
        "uri": "qemu:///system",
        "uuid": DOMAIN.uuid,
        "domain": DOMAIN.name,
        "domain_id": DOMAIN.id,
        "operation": operation,
        "disk": None,
        "began": began,
        "exact": True,
        "observer": "root@hv1 (witness)",
        "boot": this_machine().boot,
        "began_uptime": uptime,
    }
    entry = JobEntry(**fields | values)
    if verdict is None:
        return entry
    outcome = Outcome(DOMAIN, operation, verdict, evidence, "The witness saw that.", disk=entry.disk)
    return with_outcome(entry, outcome, began + took, uptime + took)


def record(state: RecordState, ago: float = 60.2, took: float = 10.3, **values: Any) -> JobRecord:
    """That of a dump which was requested so many seconds ago."""
    made = replace(process.new_record(DumpRequest(DOMAIN, "/nowhere/core"), "qemu:///system"), state=state, pid=0)
    started = {"started": made.started - ago, "started_uptime": boottime() - ago}
    ended = {"ended": made.started - ago + took, "ended_uptime": boottime() - ago + took}
    return replace(made, **(started | ended | values))


async def last(shared: JobRecord | None = None, choice: JobChoice = DUMPS) -> LastJob:
    async with Sharing(shared) as backend:
        job, errors = await last_job(backend, DOMAIN, choice)
    assert errors == {}
    assert job is not None
    return job


async def test_the_host_knows_of_jobs_that_nobody_waited_for(host: History) -> None:
    host.keep(seen(Verdict.COMPLETED))
    save = host.keep(seen(Verdict.FAILED, Evidence.LIFECYCLE, ago=30.0, operation=JobOperation.SAVE))
    assert (await last()).outcome.verdict is Verdict.COMPLETED
    of_any = await last(choice=ANY)
    assert (of_any.outcome.operation, of_any.outcome.verdict, of_any.ended) == (JobOperation.SAVE, "failed", save.ended)


async def test_nobody_remembers_a_job(host: History) -> None:
    host.keep(seen(Verdict.COMPLETED, operation=JobOperation.SAVE))
    async with Sharing() as backend:
        assert await last_job(backend, DOMAIN, JobChoice()) == (None, {})
        assert await last_job(backend, DOMAIN, JobChoice(None, since=time.time())) == (None, {})


async def test_a_lost_result_is_not_the_one_before_it() -> None:
    journal = Journal()
    journal.write(record(RecordState.COMPLETED, id="before", ago=500.0))
    journal.write(record(RecordState.RUNNING, ended=None, ended_uptime=None, pid=2**22 + 1, pid_start="x:1"))
    outcome = (await last()).outcome
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.NONE)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["from here", "from another host"])
@pytest.mark.parametrize(
    ("claim", "truth", "evidence", "verdict"),
    [
        # What the host has proved needs no claim, and nobody can talk it away.
        (RecordState.COMPLETED, Verdict.COMPLETED, Evidence.FILE, Verdict.COMPLETED),
        (RecordState.FAILED, Verdict.FAILED, Evidence.LIFECYCLE, Verdict.FAILED),
        # What contradicts it proves nothing, in either direction.
        (RecordState.COMPLETED, Verdict.FAILED, Evidence.FILE, Verdict.UNPROVEN),
        (RecordState.COMPLETED, Verdict.CANCELLED, Evidence.STATS, Verdict.UNPROVEN),
        (RecordState.FAILED, Verdict.COMPLETED, Evidence.FILE, Verdict.UNPROVEN),
        (RecordState.CANCELLED, Verdict.COMPLETED, Evidence.FILE, Verdict.UNPROVEN),
        (RecordState.CANCELLED, Verdict.FAILED, Evidence.FILE, Verdict.UNPROVEN),
        (RecordState.FAILED, Verdict.UNPROVEN, Evidence.HYPERVISOR, Verdict.UNPROVEN),
        (RecordState.COMPLETED, Verdict.UNPROVEN, Evidence.SHARED, Verdict.UNPROVEN),
        # Where nothing was seen of the end, the claim is held against the file, which is not there.
        (RecordState.COMPLETED, Verdict.UNPROVEN, Evidence.NONE, Verdict.UNPROVEN),
        (RecordState.FAILED, Verdict.UNPROVEN, Evidence.NONE, Verdict.FAILED),
        (RecordState.CANCELLED, Verdict.UNPROVEN, Evidence.NONE, Verdict.UNPROVEN),
    ],
)
async def test_a_claim_never_improves_what_the_host_saw(
    host: History, claim: RecordState, truth: Verdict, evidence: Evidence, verdict: Verdict, elsewhere: bool
) -> None:
    host.keep(seen(truth, evidence))
    shared = record(claim, user="eve@hv9")
    if elsewhere:
        shared = replace(shared, pid_start="", started=shared.started - 100, ended=(shared.ended or 0) - 100)
    outcome = (await last(shared)).outcome
    assert outcome.verdict is verdict, outcome
    if verdict is not truth and truth is not Verdict.UNPROVEN:
        assert outcome.evidence is Evidence.SHARED
        assert "eve@hv9 says" in outcome.detail
        assert f"root@hv1 (witness) says {truth}" in outcome.detail
    elif truth is not Verdict.UNPROVEN:
        assert outcome.evidence is evidence


async def test_a_claim_about_one_s_own_dump_counts_for_nothing() -> None:
    own = record(RecordState.FAILED, error="No space left on device")
    Journal().write(own)
    for shared in (
        replace(own, state=RecordState.COMPLETED, user="eve@hv9"),
        record(RecordState.COMPLETED, id="eve", ago=70.0),
    ):
        outcome = (await last(shared)).outcome
        assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.RESULT)


async def test_a_claim_about_a_later_dump_is_told_as_one_and_an_older_one_is_not(host: History) -> None:
    host.keep(seen(Verdict.FAILED))
    outcome = (await last(record(RecordState.FAILED, ago=20.0))).outcome
    assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.SHARED)
    outcome = (await last(record(RecordState.COMPLETED, ago=200.0))).outcome
    assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.FILE)


async def test_a_claim_about_a_dump_says_nothing_of_another_job(host: History) -> None:
    host.keep(seen(Verdict.FAILED, Evidence.LIFECYCLE, operation=JobOperation.SAVE))
    outcome = (await last(record(RecordState.COMPLETED, ago=20.0), JobChoice(JobOperation.SAVE))).outcome
    assert (outcome.operation, outcome.verdict) == (JobOperation.SAVE, Verdict.FAILED)


async def test_the_job_of_a_disk_is_not_the_domain_s(host: History) -> None:
    host.keep(seen(Verdict.COMPLETED))
    host.keep(seen(Verdict.CANCELLED, Evidence.JOB_EVENT, ago=40.0, id="disk", disk="vda"))
    assert (await last(choice=JobChoice(None, "vda"))).outcome.verdict is Verdict.CANCELLED
    assert (await last(choice=ANY)).outcome.disk == "vda"
