"""What was read of a simulator's file, remembered until the file changes.

How far a job is follows from its plan and the clock alone. So while no process writes to the file and no stage of a
plan is due, calls are answered from memory: without SQLite, and without a thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from backend.errors import BackendError
from backend.model import Domain, DomainKey, JobStats
from backend.simulator import refusals
from backend.simulator.plan import Plan, Stage

Situation: TypeAlias = tuple[bool, int | None, Plan | None]
"""Of one domain: whether it exists, the id of its run (None: shut off), and its plan that is not over."""


class Hanging(Exception):
    """The domain answers no call now: the target of its dump hangs."""


@dataclass(slots=True)
class Snapshot:
    """The part of a simulator's file that was read since its last change."""

    domains: list[Domain] | None = None
    """All domains; None until they are read."""
    situations: dict[str, Situation] = field(default_factory=dict)
    """By uuid, of the domains that were read."""


def answer(domain: DomainKey, situation: Situation, now: float) -> JobStats | BackendError | None:
    """What `jobStats` gives at `now`: statistics, None without a job, or the error. Hanging if it does not answer."""
    exists, running_id, plan = situation
    if plan is not None and plan.stage is not Stage.PENDING and plan.domain_id == domain.id:
        if plan.hung:
            raise Hanging
        try:
            return plan.stats(now)
        except BackendError as error:
            return error
    if running_id is not None and running_id == domain.id:
        return None
    return inactive(domain, exists, running_id)


def answers(
    domains: Iterable[DomainKey], situations: Mapping[str, Situation], now: float
) -> dict[DomainKey, JobStats | BackendError | None]:
    """`answer` for many domains. Hanging domains are left out."""
    stats: dict[DomainKey, JobStats | BackendError | None] = {}
    for domain in domains:
        try:
            stats[domain] = answer(domain, situations[domain.uuid], now)
        except Hanging:
            continue
    return stats


def inactive(domain: DomainKey, exists: bool, running_id: int | None) -> BackendError:
    """The error for a domain whose run is over; `running_id` is that of its present run."""
    if not exists:
        return refusals.no_domain(domain)
    return refusals.not_running() if running_id is None or domain.id is None else refusals.no_run(domain)
