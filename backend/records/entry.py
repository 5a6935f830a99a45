"""An entry of the history: one job of any kind, by anyone, as an observer on some machine saw it, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from backend.model import DiskKey, DomainKey, JobKey, JobOperation, Operation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.record import JobRecord

SLACK = 0.3
"""Seconds by which two observers may disagree on when a job began whose elapsed time is told."""


class EntryState(StrEnum):
    """Where the job of an entry stands; `process.entry_state` tells."""

    RUNNING = "running"
    """Its observer follows it, as far as that can be told from here."""
    ENDED = "ended"
    """It is over; the verdict says how, or that nobody knows."""
    UNSEEN = "end not seen"
    """Its observer is gone: the job may be over, or not."""


@dataclass(frozen=True, slots=True)
class JobEntry:
    """One job. Times are seconds since the epoch; uptimes are seconds since the boot of the kernel `boot`."""

    id: str
    uri: str
    """The hypervisor, as the observer is connected to it."""
    uuid: str
    domain: str
    domain_id: int | None
    operation: Operation
    disk: str | None
    """The disk whose job it is; None: it is the domain's own job."""
    began: float
    """When it began, as far as its elapsed time tells; else when it was first seen."""
    exact: bool
    """Whether it is the former."""
    observer: str
    """Who saw it, and with what: ``root@hv3 (witness)``."""
    requester: str = ""
    """Who requested it, where that is known: ``root@hv3``, ``libvirt (guest panicked)``."""
    record: str = ""
    """The id of the record of the dump, where it has one."""
    machine: str = ""
    """The observer's machine, as in a record."""
    boot: str = ""
    began_uptime: float = 0.0
    pid: int = 0
    """The observer's process, while it observes."""
    pid_start: str = ""
    path: str | None = None
    format: str | None = None
    ended: float | None = None
    """When it was seen to be over. None: it may be running."""
    ended_uptime: float | None = None
    verdict: Verdict | None = None
    evidence: Evidence | None = None
    detail: str = ""
    error: str = ""
    bytes: int | None = None
    """What it wrote, copied or sent; while that is not known, what it had processed when it was last looked at."""
    time_elapsed: int = 0
    """ms, according to the hypervisor; 0: not told."""
    left_paused: bool = False
    downtime: int | None = None
    """ms; see Outcome."""
    namespace: int = 0
    """The pid namespace of the observer's process, as in a record."""

    @property
    def key(self) -> DomainKey:
        """The run of the domain that it is about."""
        return DomainKey(self.uuid, self.domain_id, self.domain)

    @property
    def job(self) -> JobKey:
        """The job that it is about: the domain's own, or that of a disk."""
        return self.key if self.disk is None else DiskKey(self.key, self.disk)

    @property
    def host(self) -> str:
        """The name of the observer's host."""
        return self.observer.partition(" (")[0].rpartition("@")[2]

    @property
    def over(self) -> bool:
        return self.ended is not None

    @property
    def proven(self) -> bool:
        """Whether it is known how it ended."""
        return self.verdict not in (None, Verdict.UNPROVEN)

    @property
    def seconds(self) -> float | None:
        """How long it took, by a clock that nobody sets; None until it is over."""
        if self.ended is None:
            return None
        if self.ended_uptime is not None:
            return max(0.0, self.ended_uptime - self.began_uptime)
        return max(0.0, self.ended - self.began)

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while that is open."""
        if self.verdict is None:
            return None
        return Outcome(
            domain=self.key,
            operation=self.operation,
            verdict=self.verdict,
            evidence=self.evidence or Evidence.NONE,
            detail=self.detail,
            error=self.error,
            path=self.path,
            format=self.format,
            time_elapsed=self.time_elapsed,
            left_paused=self.left_paused,
            disk=self.disk,
            downtime=self.downtime,
            requester=self.requester,
        )


def is_same_job(one: JobEntry, other: JobEntry) -> bool:
    """Whether two observations are of the same job: a domain, and each of its disks, has one at a time."""
    if one.uuid != other.uuid:
        return False  # Most are told apart by that, quickly.
    if (one.domain_id, one.operation, one.disk) != (other.domain_id, other.operation, other.disk):
        return False
    if one.record and other.record:
        return one.record == other.record
    if one.boot and one.boot == other.boot:
        began = one.began_uptime, other.began_uptime
        ended = one.ended_uptime, other.ended_uptime
    else:
        began, ended = (one.began, other.began), (one.ended, other.ended)
    if one.exact and other.exact:
        return abs(began[0] - began[1]) <= SLACK
    if one.uri != other.uri or (one.boot and other.boot and one.boot != other.boot):
        return False  # Ids of runs begin anew with every boot, and on every host.
    if one.operation == JobOperation.MIGRATION_IN:
        return True  # No run of a domain has two of these.
    if one.operation in (JobOperation.SAVE, JobOperation.MIGRATION_OUT) and _both_completed(one, other):
        return True  # The run is over with one of these.
    first, last = (0, 1) if began[0] <= began[1] else (1, 0)
    end = ended[first]
    return end is None or began[last] < end


def _both_completed(one: JobEntry, other: JobEntry) -> bool:
    return one.verdict is Verdict.COMPLETED and other.verdict is Verdict.COMPLETED


def with_outcome(entry: JobEntry, outcome: Outcome, ended: float, ended_uptime: float | None) -> JobEntry:
    """The entry with how the job ended, and when it was seen to be over."""
    return replace(
        entry,
        ended=ended,
        ended_uptime=ended_uptime,
        verdict=outcome.verdict,
        evidence=outcome.evidence,
        detail=outcome.detail,
        error=outcome.error,
        path=outcome.path or entry.path,
        format=outcome.format or entry.format,
        bytes=outcome.bytes if outcome.bytes is not None else entry.bytes,
        time_elapsed=outcome.time_elapsed or entry.time_elapsed,
        left_paused=outcome.left_paused,
        downtime=outcome.downtime,
        requester=outcome.requester or entry.requester,
        pid=0,
        pid_start="",
    )


def end_not_seen(entry: JobEntry, detail: str, now: float, uptime: float | None) -> JobEntry:
    """The entry of a job that was found to be over `now`, after nobody had followed it; `detail` says so.

    `uptime`: the same moment since the boot of the entry's kernel, if that still runs.
    """
    outcome = Outcome(entry.key, entry.operation, Verdict.UNPROVEN, Evidence.NONE, detail, disk=entry.disk)
    return with_outcome(entry, outcome, now, uptime)


def combined(one: JobEntry, other: JobEntry) -> JobEntry:
    """What two observers of the same job know together, under the identity of `one`.

    A proof outweighs none, and the result of an own call everything else. Of two proofs, the one with the better
    evidence counts, a claim last; if these are alike and disagree, or one is a claim, neither does. A claim that one
    of them has seen contradicted stays so.
    """
    better, worse = _by_weight(one, other)
    known = replace(
        better,
        id=one.id,
        requester=better.requester or worse.requester,
        record=better.record or worse.record,
        path=better.path or worse.path,
        format=better.format or worse.format,
        bytes=better.bytes if better.bytes is not None else worse.bytes,
        time_elapsed=better.time_elapsed or worse.time_elapsed,
        downtime=better.downtime if better.downtime is not None else worse.downtime,
    )
    if worse.exact and not better.exact and worse.boot == better.boot:
        known = replace(known, began=worse.began, began_uptime=worse.began_uptime, exact=True)
    claim, rest = (one, other) if one.evidence is Evidence.SHARED else (other, one)
    if claim.evidence is Evidence.SHARED and _contradicts(claim, rest):
        detail = f"{claim.detail} But {rest.observer} says {rest.verdict}: {rest.detail}"
        return replace(known, verdict=Verdict.UNPROVEN, evidence=Evidence.SHARED, detail=detail)
    if one.proven and other.proven and one.verdict is not other.verdict and one.evidence is other.evidence:
        detail = f"Two observers disagree: {one.observer} says {one.verdict}, {other.observer} says {other.verdict}."
        return replace(known, verdict=Verdict.UNPROVEN, evidence=Evidence.NONE, detail=detail)
    return known


def _contradicts(claim: JobEntry, seen: JobEntry) -> bool:
    """Whether a verdict that rests on a claim is not what was seen. A call's own result needs no such weighing."""
    if not claim.proven or seen.evidence in (Evidence.RESULT, Evidence.SHARED):
        return False
    if seen.proven:
        return claim.verdict is not seen.verdict
    # QEMU has said that it wrote everything.
    return seen.evidence is Evidence.HYPERVISOR and claim.verdict is not Verdict.COMPLETED


def _by_weight(one: JobEntry, other: JobEntry) -> tuple[JobEntry, JobEntry]:
    """The one that says more about the end first."""
    return (one, other) if _weight(one) >= _weight(other) else (other, one)


def _weight(entry: JobEntry) -> tuple[bool, bool, bool, bool, bool, int]:
    evidence = list(Evidence)
    rank = len(evidence) - evidence.index(entry.evidence) if entry.evidence is not None else 0
    claimed = entry.evidence is Evidence.SHARED
    contradicted = claimed and entry.verdict is Verdict.UNPROVEN
    return entry.evidence is Evidence.RESULT, contradicted, entry.proven, entry.over, not claimed, rank


def entry_of_record(record: JobRecord, outcome: Outcome | None) -> JobEntry:
    """A dump that virt-jobs has requested, as an entry; `outcome` is that of its record, None while it has none."""
    entry = JobEntry(
        id=record.id,
        uri=record.uri,
        uuid=record.uuid,
        domain=record.domain,
        domain_id=record.domain_id,
        operation=record.operation,
        disk=None,
        began=record.started,
        exact=False,  # The job begins when it is its turn.
        observer=f"{record.user} (dump)",
        requester=record.user,
        record=record.id,
        machine=record.machine,
        boot=record.boot,
        began_uptime=record.started_uptime or 0.0,
        path=record.path,
        format=record.format_name,
        bytes=record.bytes,
        error=record.error,
    )
    if outcome is None:
        return entry
    ended = record.ended if record.ended is not None else record.started
    return with_outcome(entry, outcome, ended, record.ended_uptime)
