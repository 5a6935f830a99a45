"""What a witness tells of a domain's jobs in the domain's metadata, held against what else is known of them.

Anyone who may modify the domain can write there in the witness's name. So a claim never outweighs anything that was
observed, and nothing that is known becomes better by it: at the best it is told as what it is, with its author.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backend.files.dumpfile import DumpFile
from backend.job_stats import JobStats
from backend.model import DomainKey
from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry, is_same_job
from backend.verdicts.claims import NO_ABORT

FUTURE = 300.0
"""Seconds by which the clocks of two hosts may differ."""
_SLACK = 2.0
"""Seconds by which the end of one job and the begin of the next one may seem to overlap, if both are longer."""


def believable(
    claims: Sequence[JobEntry], domain: DomainKey, known: Sequence[JobEntry], running: JobStats | None, now: float
) -> list[JobEntry]:
    """Those of the claims that nothing refutes, as claims.

    `known`: the domain's jobs that this user, or a trusted observer, knows of. `running`: the job that it has now.
    `now`: seconds since the epoch. A claim about a job that is known, or that cannot have been, is left out; so are two
    that contradict each other.
    """
    began = now - running.time_elapsed / 1000 if running is not None else None
    possible = [
        claim
        for claim in claims
        if claim.uuid == domain.uuid
        and _is_over(claim, now)
        and not (began is not None and claim.disk is None and _ended(claim) > began + _SLACK)
        and not any(is_same_job(claim, entry) or (entry.over and _overlap(claim, entry)) for entry in known)
    ]
    return [
        _as_claim(claim)
        for claim in possible
        if not any(other is not claim and (other.id == claim.id or _overlap(claim, other)) for other in possible)
    ]


def objection_to_dump(claim: JobEntry, file: DumpFile | None) -> str | None:
    """What speaks against a claim about a dump of which nothing was seen but its `file`, or not even that."""
    if claim.verdict is Verdict.CANCELLED:
        return NO_ABORT
    if file is None:
        return None
    if claim.verdict is Verdict.COMPLETED and file.whole is False:
        return f"Its file is not whole: {file.detail}"
    return "Its file is whole." if claim.verdict is Verdict.FAILED and file.whole else None


def refuted(claim: JobEntry, objection: str) -> JobEntry:
    """The claim with what contradicts it."""
    return replace(claim, verdict=Verdict.UNPROVEN, detail=f"{claim.detail} But: {objection}")


def _is_over(claim: JobEntry, now: float) -> bool:
    return claim.ended is not None and claim.began <= claim.ended <= now + FUTURE


def _ended(entry: JobEntry) -> float:
    return entry.ended if entry.ended is not None else float("inf")


def _overlap(one: JobEntry, other: JobEntry) -> bool:
    """Whether both cannot have been: a domain, and each of its disks, has one job at a time."""
    if one.disk != other.disk:
        return False
    together = min(_ended(one), _ended(other)) - max(one.began, other.began)
    shorter = min(_ended(one) - one.began, _ended(other) - other.began)
    return together > _SLACK or (together >= 0.0 and together >= shorter / 2)


def _as_claim(claim: JobEntry) -> JobEntry:
    """As what anyone who may modify the domain can have written."""
    detail = f"The domain's metadata says, in the name of {claim.observer}: {claim.detail}".rstrip()
    verdict = Verdict.UNPROVEN if claim.verdict is None else claim.verdict
    return replace(claim, verdict=verdict, evidence=Evidence.SHARED, detail=detail, record="")
