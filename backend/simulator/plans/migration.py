"""Plans of migrations to another host, with the requests that change them: limits, post-copy and abort."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.job_stats import JobStats, JobType, Postcopy
from backend.model import JobOperation, MigrationLimits
from backend.simulator import refusals
from backend.simulator.machine import Machine
from backend.simulator.plans import plan as plans
from backend.simulator.plans.plan import CANCELLING, NEVER, PAGE, Ending, Plan, closing
from backend.simulator.plans.rounds import Pace, Round, last_round, round_at

MAX_DOWNTIME = 300
"""ms that a guest may stand still if nobody says otherwise."""
_SWITCHING = 40
"""ms that a guest stands still when post-copy starts."""
_REQUESTS = 25
"""Pages per second that the guest on the other host asks for during post-copy."""


@dataclass(frozen=True, slots=True)
class Migration(Plan):
    """A migration out. The link would carry the whole memory within `length` seconds.

    Times of a round are in seconds after the begin of the migration.
    """

    load: float = 0.0
    """What the guest writes, as a share of what the link can carry."""
    working_set: int = 0
    """The guest writes to so many bytes of its memory."""
    bandwidth: int = 0
    """Bytes per second that it may send; 0: as many as the link can carry."""
    max_downtime: int = MAX_DOWNTIME
    """ms that the guest may stand still."""
    postcopy: bool = True
    """Whether it was begun so that post-copy can be started."""
    patience: float = NEVER
    """Seconds after which its client gives it up."""
    phase: Postcopy | None = None
    """None: the guest runs here."""
    last_from: float = NEVER
    """When the last round begins, in which the guest stands still; NEVER: not with these limits."""
    # The round during which the pace last changed; at first, that is the whole memory.
    number: int = 1
    round_begun: float = 0.0
    size: int = 0
    since: float = 0.0
    left: int = 0
    sent: int = 0
    dirty_rate: int = 0

    @property
    def last_phase(self) -> float:
        return self.begun + self.last_from

    @property
    def finished(self) -> bool:
        return self.ending is Ending.COMPLETED

    @property
    def speed(self) -> float:
        """Bytes per second that it sends."""
        link = self.total / self.length
        return min(link, self.bandwidth) if self.bandwidth else link

    @property
    def pace(self) -> Pace:
        running_here = self.phase is None
        dirtying = self.load * self.total / self.length if running_here else 0.0
        return Pace(self.speed, dirtying, self.working_set, self.max_downtime / 1000)

    @property
    def limits(self) -> MigrationLimits:
        return MigrationLimits(self.max_downtime, self.bandwidth)

    @property
    def known_round(self) -> Round:
        """The round during which the pace last changed."""
        return Round(self.number, self.round_begun, self.size, self.since, self.left, self.sent, self.dirty_rate)

    def round(self, now: float) -> Round:
        """The round at `now`."""
        if self.phase is not None:
            return self.known_round
        return round_at(self.known_round, self.pace, min(now, self.stop) - self.begun, self.last_from)

    def processed(self, now: float) -> int:
        """Bytes sent by `now`, those included that were sent again."""
        current = self.round(now)
        return current.sent + current.left - self._left(current, now)

    def counters(self, job_type: JobType, now: float) -> JobStats:
        current, pace = self.round(now), self.pace
        left = self._left(current, now)
        sent = current.sent + current.left - left
        pages = sent // PAGE
        if self.phase is not None:
            downtime = _SWITCHING
        elif current.number == 1:
            downtime = self.max_downtime  # QEMU expects that before it has seen how much the guest writes.
        else:
            downtime = int(pace.downtime(current.size) * 1000)
        requests = 0 if self.phase is None else int(max(0.0, now - self.begun - self.since) * _REQUESTS)
        return JobStats(
            type=job_type,
            operation=self.operation,
            time_elapsed=self.elapsed(now),
            downtime=downtime,
            setup_time=1,
            data_total=self.total,
            data_processed=sent,
            data_remaining=left,
            memory_total=self.total,
            memory_processed=sent,
            memory_remaining=left,
            memory_constant=pages * 3 // 10,
            memory_normal=pages - pages * 3 // 10,
            memory_normal_bytes=(pages - pages * 3 // 10) * PAGE,
            memory_bps=0 if self.phase is Postcopy.FAILED else int(self.speed),
            memory_dirty_rate=current.dirty_rate // PAGE,
            memory_page_size=PAGE,
            memory_iteration=current.number,
            memory_postcopy_requests=requests,
            postcopy=self.phase,
            max_downtime=self.max_downtime if self.phase is None else None,
        )

    def _left(self, current: Round, now: float) -> int:
        if self.phase is Postcopy.FAILED:
            return current.left
        if now >= self.stop and self.finished:
            return 0
        return current.left_at(min(now, self.stop) - self.begun, self.pace)


def migration(
    machine: Machine,
    begun: float,
    length: float,
    load: float = 0.0,
    working_set: int = 0,
    bandwidth: int = 0,
    postcopy: bool = True,
    patience: float = NEVER,
) -> Migration:
    """The plan of a migration of `machine`; what its guest writes decides whether it ever ends by itself."""
    return _foreseen(
        Migration(
            uuid=machine.uuid,
            domain_id=machine.id,
            operation=JobOperation.MIGRATION_OUT,
            begun=begun,
            length=length,
            stop=NEVER,
            end=NEVER,
            total=machine.memory,
            was_running=machine.running,
            load=load if machine.running else 0.0,
            working_set=min(working_set, machine.memory),
            bandwidth=bandwidth,
            postcopy=postcopy,
            patience=patience,
            size=machine.memory,
            left=machine.memory,
        )
    )


def limited(plan: Migration, now: float, limits: MigrationLimits) -> Migration:
    """The plan after its limits were changed at `now`; while the guest stands still, that is too late to matter."""
    if now >= min(plan.last_phase, plan.stop) or plan.phase is Postcopy.FAILED:
        return plan
    plan = _rebased(plan, now)
    max_downtime = plan.max_downtime if limits.max_downtime is None else limits.max_downtime
    bandwidth = plan.bandwidth if limits.bandwidth is None else limits.bandwidth
    return _foreseen(replace(plan, max_downtime=max_downtime, bandwidth=bandwidth))


def postcopy_started(plan: Migration, now: float) -> Migration:
    """The plan after post-copy was started at `now`. NotSupported if it was not begun for that."""
    if not plan.postcopy:
        raise refusals.no_postcopy()
    if plan.phase is not None or now >= min(plan.last_phase, plan.stop):
        return plan
    current = _rebased(plan, now)
    rest = min(plan.total, current.left + current.known_round.dirtied(current.since, plan.pace))
    return _foreseen(replace(current, phase=Postcopy.ACTIVE, size=rest, left=rest))


def aborted(plan: Migration, now: float, postcopy: bool) -> Plan:
    """The plan after ``virDomainAbortJobFlags`` at `now`. NotSupported unless `postcopy` is right about its phase."""
    if not postcopy:
        if plan.phase is not None:
            raise refusals.in_postcopy()
        return plans.aborted(plan, now)
    if plan.phase is not Postcopy.ACTIVE or now >= plan.stop:
        raise refusals.not_in_postcopy()
    return replace(_rebased(plan, now), phase=Postcopy.FAILED, stop=NEVER, end=NEVER)


def recovered(plan: Migration, now: float) -> Migration:
    """The plan of a broken post-copy that goes on at `now`, as after ``virsh migrate --postcopy-resume``."""
    if plan.phase is not Postcopy.FAILED:
        raise refusals.not_broken()
    return _foreseen(replace(plan, phase=Postcopy.ACTIVE, since=now - plan.begun))


def _rebased(plan: Migration, now: float) -> Migration:
    """The same plan, in terms of the round at `now`."""
    offset = max(plan.since, now - plan.begun)  # The clock may have been set back.
    current = plan.round(now).changed(offset, plan.pace)
    return replace(
        plan,
        number=current.number,
        round_begun=current.begun,
        size=current.size,
        since=current.since,
        left=current.left,
        sent=current.sent,
        dirty_rate=current.dirty_rate,
    )


def _foreseen(plan: Migration) -> Migration:
    """The plan with its end, as it follows from what is to be sent and from its limits."""
    if plan.phase is None:
        last = last_round(plan.known_round, plan.pace)
        last_from, stop = (NEVER, NEVER) if last is None else (last.begun, last.end(plan.pace))
    else:
        last_from, stop = NEVER, plan.known_round.end(plan.pace)
    if plan.patience < min(last_from, stop) and plan.phase is None:
        stop = plan.begun + plan.patience
        error = "operation aborted: migration out job: canceled by client"
        return replace(
            plan,
            last_from=NEVER,
            stop=stop,
            end=stop + CANCELLING,
            ending=Ending.CANCELLED,
            fate="",
            error=error,
            code=78,
        )
    stop += plan.begun
    return replace(
        plan,
        last_from=last_from,
        stop=stop,
        end=stop + closing(plan.length),
        ending=Ending.COMPLETED,
        fate="migrated",
        error="",
        code=None,
    )
