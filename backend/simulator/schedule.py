"""Time in the simulator: each stage of a job's plan is applied when its moment has come.

No process runs between calls. So the first call after a planned moment applies what is due (`apply_due`), in one
transaction, and writes the events that every other process reads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backend.log import ignored
from backend.records.folder import private_folder
from backend.simulator import disk_effects, effects, fleet, target
from backend.simulator.machine import Machine
from backend.simulator.plans import plan as plans
from backend.simulator.plans.block_job import BlockJob
from backend.simulator.plans.panic import PanicDump
from backend.simulator.plans.plan import Ending, Plan, Stage
from backend.simulator.store import Store

logger = logging.getLogger(__name__)


class Schedule:
    """The plans in `store`, by `clock` (seconds since the epoch). NoConnection if the file is unusable."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def apply_due(self) -> None:
        """Apply all stages that are due, in a transaction of its own."""
        if self._store.next_due(self._clock()) is not None:
            with self._store.transaction():
                self.apply_due_within()

    def apply_due_within(self) -> None:
        """Apply all stages that are due, inside the caller's transaction."""
        now = self._clock()
        while (plan := self._store.next_due(now)) is not None:
            self._advance(plan, now)
        self._store.prune()

    def begin(self, plan: Plan, machine: Machine) -> int:
        """Begin the job of `plan` on `machine`, inside the caller's transaction; returns the plan's number."""
        if isinstance(plan, BlockJob):
            self._store.add_events([disk_effects.start(machine)])
        else:
            if isinstance(plan, PanicDump):
                plan = _open_panic_dump(plan, self._store.panic_dump(machine.name))
            machine = self.apply(effects.start(plan, machine, self._store.next_running_id))
        return self._store.put_plan(replace(plan, domain_id=machine.id, stage=Stage.WORKING))

    def apply(self, effect: effects.Effect) -> Machine:
        """Store the domain and the events of `effect`, inside the caller's transaction. Returns the domain."""
        machine, events = effect
        self._store.put_machines([machine])
        self._store.add_events(events)
        if not machine.active:
            self._end_disk_jobs(machine)
        return machine

    def _advance(self, plan: Plan, now: float) -> None:
        """Move the plan to its next stage."""
        machine = self._store.machine(plan.uuid)
        if machine is None:
            self._store.remove_plan(plan)
        elif plan.stage is Stage.PENDING:
            self._store.remove_plan(plan)
            if machine.lively and effects.fits(plan.operation, machine):
                if plan.disk:
                    # The last job may have merged the disk's snapshots: the next one finds new ones.
                    machine = self.apply((machine.with_new_disks(), []))
                self.begin(replace(plan, domain_id=machine.id, was_running=machine.running), machine)
            else:
                self._plan_next(machine, plan, plan.begun, now)
        else:
            self._reach(replace(plan, stage=plan.next_stage), machine, now)

    def _reach(self, plan: Plan, machine: Machine, now: float) -> None:
        """Do what the stage that the plan has just reached does."""
        if plan.stage is Stage.OVER:
            plan = _close_file(plan)
        self._store.put_plan(plan)
        match plan.stage:
            case Stage.LAST_PHASE if isinstance(plan, BlockJob):
                self._store.add_events([disk_effects.ready(plan, machine)])
            case Stage.LAST_PHASE:
                self.apply(effects.last_phase(machine))
            case Stage.STOPPED if not isinstance(plan, BlockJob):
                self.apply(effects.stop(plan, machine))
            case Stage.OVER:
                ended = disk_effects.end(plan, machine) if isinstance(plan, BlockJob) else effects.end(plan, machine)
                self._plan_next(self.apply(ended), plan, plan.end, now)

    def _plan_next(self, machine: Machine, previous: Plan, after: float, now: float) -> None:
        """On a machine that the simulator keeps busy, the next job follows `previous`."""
        if machine.lively and (plan := fleet.next_plan(machine, previous, after, now)) is not None:
            self._store.put_plan(plan)

    def _end_disk_jobs(self, machine: Machine) -> None:
        """End the jobs of the disks of a domain that has stopped; there is no event for that."""
        now = self._clock()
        for plan in self._store.plans([machine.uuid]):
            if plan.disk and plan.stage is not Stage.PENDING:
                self._store.remove_plan(plan)
                self._plan_next(machine, plan, now, now)


def _open_panic_dump(plan: PanicDump, path: Path) -> PanicDump:
    """The plan, with its file at `path`; one that cannot be made fails the dump when it is to be closed."""
    created = False
    with ignored(logger, "the file of a simulated dump by libvirt cannot be made", OSError):
        private_folder(path.parent)
        created = target.create(str(path), plan.format)
    return replace(plan, path=str(path), created=created)


def _close_file(plan: Plan) -> Plan:
    """Finish or remove the dump file. Returns the plan, failed if the file really cannot be written."""
    if not plan.path:
        return plan
    if plan.ending is Ending.COMPLETED:
        try:
            target.finish(plan.path, plan.format, plan.total)
            return plan
        except OSError as error:
            plan = plans.failed(plan, f"operation failed: Unable to write {plan.path}: {error.strerror}", 9)
    if plan.created:
        target.remove(plan.path, plan.format)
    return plan
