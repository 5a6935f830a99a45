"""The calls of the simulated hypervisor: what libvirt's daemon would answer, from the stored state and the clock.

Each call first applies what is due by now (`schedule`), so all processes see the same jobs at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from backend.errors import NoJob, OperationCancelled, OperationFailed
from backend.events import Event, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import Domain, DomainKey, DomainState, DumpRequest, JobStats
from backend.simulator import effects, refusals, target
from backend.simulator import plan as plans
from backend.simulator.machine import Machine, new_machine
from backend.simulator.options import Fail, Options
from backend.simulator.plan import Ending, Plan, Stage
from backend.simulator.resize import resize
from backend.simulator.schedule import Schedule
from backend.simulator.snapshot import Hanging, Situation, inactive
from backend.simulator.store import Store
from backend.text import clean

OUTAGE = (0.3, 0.6)
"""The part of a dump during which connections are lost if the URI says ``fail=disconnect``: from 30 % to 60 %."""


class Hypervisor:
    """One simulator, for use by one thread.

    Any method raises NoConnection if the simulator's file cannot be used. Methods about one domain also raise
    NoSuchDomain and Hanging.
    """

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch."""
        self._options = options
        self._clock = clock
        self._store = Store(options.name)
        self._schedule = Schedule(self._store, clock)
        try:
            resize(self._store, options, clock())
        except BaseException:
            self._store.close()
            raise

    def close(self) -> None:
        self._store.close()

    def apply_due(self) -> None:
        """Apply everything that is due by now."""
        self._schedule.apply_due()

    def domains(self) -> list[Domain]:
        """All domains, in their order."""
        self.apply_due()
        return self._store.domains()

    def situations(self, uuids: Iterable[str]) -> tuple[dict[str, Situation], float]:
        """How domains are, by uuid, and the moment for which that holds."""
        self.apply_due()
        now = self._clock()
        uuids = list(uuids)
        # Read the plans first: the end of a job may stop the domain too, and that is not a domain without a job.
        plans_by_uuid = self._store.plans(uuids)
        running_ids = self._store.ids(uuids)
        return {uuid: (uuid in running_ids, running_ids.get(uuid), plans_by_uuid.get(uuid)) for uuid in uuids}, now

    def last_stats(self, domain: DomainKey) -> JobStats | None:
        """The completed statistics that the domain's last job left; None without any."""
        self.apply_due()
        machine = self._machine(domain)
        return effects.from_json(machine.last) if machine.last else None

    def begin_dump(self, request: DumpRequest) -> int:
        """Begin a dump and return the number of its plan. The dump continues even if the caller goes away."""
        refusal = refusals.dump(request)
        if refusal is not None:
            raise refusal
        self.apply_due()
        with self._store.transaction():
            machine = self._idle(request.domain)
            now = self._clock()
            try:
                created = target.create(request.path, request.format)
            except OSError as error:
                raise refusals.cannot_create(request.path, error) from None
            if (pending := self._store.plan(machine.uuid)) is not None:
                self._store.remove_plan(pending)  # A job that the simulator has only planned gives way.
            plan = plans.dump(machine, request, created, now, self._options.rate, self._options.fail)
            if self._options.fail is Fail.DISCONNECT:
                self._store.set_outage(*(now + part * plan.length for part in OUTAGE))
            return self._schedule.begin(plan, machine)

    def result(self, number: int) -> Plan | None:
        """The plan of that number; None if it was pruned. Raises the job's error if it has failed or was cancelled."""
        self.apply_due()
        plan = self._store.plan_by_number(number)
        if plan is None or plan.stage is not Stage.OVER:
            return plan
        if plan.ending is Ending.CANCELLED:
            raise OperationCancelled(plan.error, code=plan.code)
        if plan.ending is Ending.FAILED:
            raise OperationFailed(plan.error, code=plan.code)
        return plan

    def dump_path(self, domain: DomainKey) -> str:
        """The path of the domain's running dump; empty without one."""
        self.apply_due()
        self._active(domain)
        plan = self._store.plan(domain.uuid)
        return plan.path if plan else ""

    def abort(self, domain: DomainKey) -> None:
        """Abort the domain's job. NoJob without one, NotSupported if the job cannot be aborted."""
        self.apply_due()
        with self._store.transaction():
            self._active(domain)
            plan = self._store.plan(domain.uuid)
            if plan is None or plan.stage is Stage.PENDING:
                raise NoJob("Requested operation is not valid: no job is active on the domain", code=55)
            self._store.put_plan(plans.aborted(plan, self._clock()))

    def resume(self, domain: DomainKey) -> None:
        """Resume a paused domain. DomainBusy while it has a job."""
        self.apply_due()
        with self._store.transaction():
            machine = self._idle(domain)
            if machine.state is not DomainState.PAUSED:
                raise refusals.not_paused()
            self._store.put_machines([machine.resumed("unpaused")])
            self._store.add_events([LifecycleEvent(machine.key, Lifecycle.RESUMED, "unpaused")])

    def record(self, domain: DomainKey) -> str:
        """The shared record in the domain's metadata, as XML; empty without one."""
        self.apply_due()
        return self._machine(domain).record

    def publish(self, domain: DomainKey, record: str) -> None:
        """Put `record` into the domain's metadata. DomainBusy while it has a job."""
        self.apply_due()
        with self._store.transaction():
            machine = self._idle(domain)
            self._store.put_machines([replace(machine, record=record)])
            self._store.add_events([RecordEvent(machine.key)])

    def define(self, name: str, memory: int) -> Machine:
        """A new domain of `memory` bytes, shut off; the existing one if the name is taken."""
        with self._store.transaction():
            machine = new_machine(self._options.name, name, self._store.next_number(), memory)
            existing = self._store.machine(machine.uuid)
            if existing is None:
                self._store.put_machines([machine])
                self._store.add_events([LifecycleEvent(machine.key, Lifecycle.DEFINED, "added")])
            return existing or machine

    def rename(self, domain: DomainKey, name: str) -> Machine:
        """Rename a domain that is shut off. OperationFailed if it is running, or if the name is taken."""
        self.apply_due()
        with self._store.transaction():
            machine = self._machine(domain)
            if machine.active:
                raise OperationFailed("Requested operation is not valid: cannot rename active domain", code=55)
            renamed = replace(machine, name=clean(name))
            if any(other.name == renamed.name for other in self._store.machines()):
                raise OperationFailed(f"operation failed: domain with name '{renamed.name}' already exists", code=9)
            self._store.put_machines([renamed])
            self._store.add_events(
                [
                    LifecycleEvent(machine.key, Lifecycle.UNDEFINED, "renamed"),
                    LifecycleEvent(renamed.key, Lifecycle.DEFINED, "renamed"),
                ]
            )
            return renamed

    def start(self, domain: DomainKey, paused: bool = False) -> Machine:
        """Start a domain that is shut off, without a job. OperationFailed if it is running."""
        with self._store.transaction():
            machine = self._machine(domain)
            if machine.active:
                raise OperationFailed("Requested operation is not valid: domain is already running", code=55)
            machine = replace(machine, id=self._store.next_running_id()).resumed("booted")
            events: list[Event] = [LifecycleEvent(machine.key, Lifecycle.STARTED, "booted")]
            if paused:
                machine = machine.paused("user")
                events.append(LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "paused"))
            self._store.put_machines([machine])
            self._store.add_events(events)
            return machine

    def destroy(self, domain: DomainKey, detail: str) -> None:
        """Stop a domain at once, and with it any job. `detail` is that of the lifecycle event."""
        self.apply_due()
        with self._store.transaction():
            machine = self._active(domain)
            plan = self._store.plan(domain.uuid)
            if plan is not None and plan.stage is not Stage.PENDING:
                self._store.put_plan(plans.cut_short(plan, self._clock(), detail))
            else:
                machine, event = machine.stopped(detail)
                self._store.put_machines([machine])
                self._store.add_events([event])
            # The job must not be gone while the domain still appears to run.
            self._schedule.apply_due_within()

    def _machine(self, domain: DomainKey) -> Machine:
        """The domain, in whichever run. NoSuchDomain if it is unknown."""
        machine = self._store.machine(domain.uuid)
        if machine is None:
            raise refusals.no_domain(domain)
        plan = self._store.plan(domain.uuid)
        if plan is not None and plan.hung and plan.stage is Stage.WORKING:
            raise Hanging
        return machine

    def _active(self, domain: DomainKey) -> Machine:
        """The domain in its run. DomainNotRunning if it is shut off, NoSuchDomain if a later run has begun."""
        machine = self._machine(domain)
        if not machine.active or machine.id != domain.id:
            raise inactive(domain, True, machine.id)
        return machine

    def _idle(self, domain: DomainKey) -> Machine:
        """The domain in its run, without a job. DomainBusy if it has one."""
        machine = self._active(domain)
        plan = self._store.plan(machine.uuid)
        if plan is not None and plan.stage is not Stage.PENDING:
            raise refusals.busy()
        return machine
