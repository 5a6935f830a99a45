"""Time in the simulator: each stage of a job's plan is applied when its moment has come.

No process runs between calls. So the first call after a planned moment applies what is due (`apply_due`), in one
transaction, and writes the events that every other process reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.simulator import effects, fleet, target
from backend.simulator import plan as plans
from backend.simulator.machine import Machine
from backend.simulator.plan import Ending, Plan, Stage
from backend.simulator.store import Store


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
        machine = self._apply(effects.start(plan, machine, self._store.next_running_id))
        return self._store.put_plan(replace(plan, domain_id=machine.id, stage=Stage.WORKING))

    def _advance(self, plan: Plan, now: float) -> None:
        """Move the plan to its next stage."""
        machine = self._store.machine(plan.uuid)
        if machine is None:
            self._store.remove_plan(plan)
        elif plan.stage is Stage.PENDING:
            self._store.remove_plan(plan)
            if machine.lively and effects.fits(plan.operation, machine):
                self.begin(replace(plan, domain_id=machine.id, was_running=machine.running), machine)
            else:
                self._plan_next(machine, plan, plan.begun, now)
        elif plan.stage is Stage.WORKING:
            self._store.put_plan(replace(plan, stage=Stage.STOPPED))
            self._apply(effects.stop(plan, machine))
        else:
            plan = replace(_close_file(plan), stage=Stage.OVER)
            self._store.put_plan(plan)
            machine = self._apply(effects.end(plan, machine))
            self._plan_next(machine, plan, plan.end, now)

    def _plan_next(self, machine: Machine, previous: Plan, after: float, now: float) -> None:
        """On a machine that the simulator keeps busy, the next job follows `previous`."""
        if machine.lively:
            self._store.put_plan(fleet.next_plan(machine, previous.id or 0, after, now))

    def _apply(self, effect: effects.Effect) -> Machine:
        machine, events = effect
        self._store.put_machines([machine])
        self._store.add_events(events)
        return machine


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
