"""What was read of a simulator's file, remembered until the file changes.

How far a job is follows from its plan and the clock alone. So while no process writes to the file and no stage of a
plan is due, calls are answered from memory: without SQLite, and without a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from backend.errors import BackendError, NoSuchDomain
from backend.job_stats import JobStats
from backend.model import DiskKey, Domain, DomainKey, JobKey, domain_of
from backend.simulator import refusals
from backend.simulator.plans.plan import Plan, Stage
from backend.status import Status, StatusAnswer


class Situation(NamedTuple):
    """How one domain is."""

    exists: bool
    running_id: int | None
    """The id of its run; None: shut off."""
    plan: Plan | None
    """Its own job that is not over."""
    disk_plans: Mapping[str, Plan]
    """The jobs of its disks that are not over, by disk."""


class Hanging(Exception):
    """The domain answers no call now: the target of its dump hangs."""


@dataclass(slots=True)
class Snapshot:
    """The part of a simulator's file that was read since its last change."""

    domains: list[Domain] | None = None
    """All domains; None until they are read."""
    situations: dict[str, Situation] = field(default_factory=dict)
    """By uuid, of the domains that were read."""


def answer(key: JobKey, situation: Situation, now: float) -> JobStats | BackendError | None:
    """The job's statistics at `now`, None without a job, or the error. Hanging if the domain does not answer."""
    domain, plan = domain_of(key), situation.plan
    if plan is not None and plan.hung and _goes_on(plan, domain):
        raise Hanging
    if isinstance(key, DiskKey):
        plan = situation.disk_plans.get(key.disk)
    if plan is not None and _goes_on(plan, domain):
        try:
            return plan.stats(now)
        except BackendError as error:
            return error
    if situation.running_id is not None and situation.running_id == domain.id:
        return None
    return inactive(domain, situation.exists, situation.running_id)


def answers(
    keys: Iterable[JobKey], situations: Mapping[str, Situation], now: float
) -> dict[JobKey, JobStats | BackendError | None]:
    """`answer` for many jobs. Those of hanging domains are left out."""
    stats: dict[JobKey, JobStats | BackendError | None] = {}
    for key in keys:
        try:
            stats[key] = answer(key, situations[domain_of(key).uuid], now)
        except Hanging:
            continue
    return stats


def disk_answers(domain: DomainKey, situation: Situation, now: float) -> Sequence[JobStats] | BackendError:
    """The statistics of the jobs of the domain's disks at `now`, or the error. Hanging if it does not answer."""
    exists, running_id, plan, disk_plans = situation
    if plan is not None and plan.hung and _goes_on(plan, domain):
        raise Hanging
    if running_id is None or running_id != domain.id:
        return inactive(domain, exists, running_id)
    keys = (DiskKey(domain, disk) for disk in sorted(disk_plans)) if disk_plans else ()
    return [stats for key in keys if isinstance(stats := answer(key, situation, now), JobStats)]


def status(uuid: str, known: Mapping[str, tuple[Domain, Situation, float]]) -> StatusAnswer | None:
    """What there is to say of the domain. None if it does not answer."""
    if uuid not in known:
        return NoSuchDomain("Domain not found", code=42)
    domain, situation, now = known[uuid]
    try:
        return Status(domain, answer(domain.key, situation, now) if domain.active else None)
    except Hanging:
        return None


def _goes_on(plan: Plan, domain: DomainKey) -> bool:
    return plan.stage is not Stage.PENDING and plan.domain_id == domain.id


def inactive(domain: DomainKey, exists: bool, running_id: int | None) -> BackendError:
    """The error for a domain whose run is over; `running_id` is that of its present run."""
    if not exists:
        return refusals.no_domain(domain)
    return refusals.not_running() if running_id is None or domain.id is None else refusals.no_run(domain)
