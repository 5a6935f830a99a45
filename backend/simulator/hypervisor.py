"""The simulated hypervisor itself: its rules over the store and the clock. One object for one thread.

Nothing runs in between calls: whoever looks first after a moment in a job's plan makes come to pass what was
due (`settle`), in one transaction, and tells everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from backend.errors import BackendError, NoJob, OperationCancelled, OperationFailed
from backend.events import Event, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import Domain, DomainKey, DomainState, DumpRequest, JobStats
from backend.simulator import effects, fleet, refusals, target
from backend.simulator import plan as plans
from backend.simulator.machine import Machine, new_machine
from backend.simulator.options import Fail, Options
from backend.simulator.plan import Ending, Plan, Stage
from backend.simulator.store import Store

OUTAGE = (0.3, 0.6)
"""The part of a dump in which connections are lost, where that is asked for."""
FIRST_DEFINED = 1_000_000
"""The place in the list of the first domain that is not the fleet's."""


class Hanging(Exception):
    """Nothing answers for the domain now."""


class Hypervisor:
    """Any method may raise NoConnection, where the simulator's file cannot be used, and, if it is about one domain,
    NoSuchDomain and Hanging."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._store = Store(options.name)
        self._shape()

    def close(self) -> None:
        self._store.close()

    def settle(self) -> None:
        """Make come to pass what is due by now."""
        now = self._clock()
        if self._store.next_due(now) is None:
            return
        with self._store.transaction():
            self._pass(now)

    def _pass(self, now: float) -> None:
        while (plan := self._store.next_due(now)) is not None:
            self._advance(plan, now)
        self._store.forget_the_old()

    def domains(self) -> list[Domain]:
        """Every domain."""
        self.settle()
        return self._store.domains()

    def stats(self, domain: DomainKey) -> JobStats | None:
        """What ``jobStats`` gives."""
        self.settle()
        # In this order: what ends the job may stop the domain too, and that is no domain without a job.
        plan = self._store.plan(domain.uuid)
        self._active(domain)
        return plan.stats(self._clock()) if plan else None

    def all_stats(self, domains: Iterable[DomainKey]) -> dict[DomainKey, JobStats | BackendError | None]:
        """The same for many domains, read at once; those that hang are left out."""
        self.settle()
        now = self._clock()
        domains = list(domains)
        plan_of = self._store.plans(domain.uuid for domain in domains)
        found: dict[DomainKey, JobStats | BackendError | None] = {}
        others = []
        for domain in domains:
            plan = plan_of.get(domain.uuid)
            if plan is None or plan.stage is Stage.PENDING or plan.domain_id != domain.id:
                others.append(domain)
            elif not plan.hung:
                try:
                    found[domain] = plan.stats(now)
                except BackendError as error:
                    found[domain] = error
        id_of = self._store.ids(domain.uuid for domain in others) if others else {}
        for domain in others:
            known, id = domain.uuid in id_of, id_of.get(domain.uuid)
            found[domain] = None if id is not None and id == domain.id else _inactive(domain, known, id)
        return found

    def last_stats(self, domain: DomainKey) -> JobStats | None:
        """What ``jobStats`` gives of the last job."""
        self.settle()
        machine = self._machine(domain)
        return effects.from_json(machine.last) if machine.last else None

    def outage(self) -> bool:
        """Whether connections are lost now."""
        begun, end = self._store.setting("outage begun"), self._store.setting("outage end")
        return begun is not None and end is not None and begun <= self._clock() < end

    def begin_dump(self, request: DumpRequest) -> int:
        """Begin a dump, and return the number of its plan; it goes on whatever becomes of the caller."""
        if (refused := refusals.dump(request)) is not None:
            raise refused
        self.settle()
        with self._store.transaction():
            machine = self._idle(request.domain)
            now = self._clock()
            try:
                created = target.create(request.path, request.format)
            except OSError as error:
                raise refusals.cannot_create(request.path, error) from None
            if (pending := self._store.plan(machine.uuid)) is not None:
                self._store.remove_plan(pending)  # What the simulator only means to begin gives way.
            plan = plans.dump(machine, request, created, now, self._options.rate, self._options.fail)
            if self._options.fail is Fail.DISCONNECT:
                for name, part in zip(("outage begun", "outage end"), OUTAGE, strict=True):
                    self._store.set(name, now + part * plan.length)
            return self._begin(plan, machine)

    def result(self, id: int) -> Plan | None:
        """The plan of that number; raises its failure once it is over, None where it was forgotten."""
        self.settle()
        plan = self._store.plan_by_id(id)
        if plan is None or plan.stage is not Stage.OVER:
            return plan
        if plan.ending is Ending.CANCELLED:
            raise OperationCancelled(plan.error, code=plan.code)
        if plan.ending is Ending.FAILED:
            raise OperationFailed(plan.error, code=plan.code)
        return plan

    def dump_path(self, domain: DomainKey) -> str:
        """Where the domain's running dump is written to; empty without one."""
        self.settle()
        self._active(domain)
        plan = self._store.plan(domain.uuid)
        return plan.path if plan else ""

    def abort(self, domain: DomainKey) -> None:
        self.settle()
        with self._store.transaction():
            self._active(domain)
            plan = self._store.plan(domain.uuid)
            if plan is None or plan.stage is Stage.PENDING:
                raise NoJob("Requested operation is not valid: no job is active on the domain", code=55)
            self._store.put_plan(plans.aborted(plan, self._clock()))

    def resume(self, domain: DomainKey) -> None:
        self.settle()
        with self._store.transaction():
            machine = self._idle(domain)
            if machine.state is not DomainState.PAUSED:
                raise refusals.not_paused()
            self._put(machine.resumed("unpaused"))
            self._store.tell([LifecycleEvent(machine.key, Lifecycle.RESUMED, "unpaused")])

    def record(self, domain: DomainKey) -> str:
        """The shared record in the domain's metadata; empty without one."""
        self.settle()
        return self._machine(domain).record

    def publish(self, domain: DomainKey, record: str) -> None:
        self.settle()
        with self._store.transaction():
            machine = self._idle(domain)
            self._put(replace(machine, record=record))
            self._store.tell([RecordEvent(machine.key)])

    def define(self, name: str, memory: int) -> Machine:
        """A new domain, shut off; or, where that name is taken, the one that has it."""
        with self._store.transaction():
            machine = new_machine(self._options.name, name, self._next_number(), memory)
            known = self._store.machine(machine.uuid)
            if known is None:
                self._put(machine)
                self._store.tell([LifecycleEvent(machine.key, Lifecycle.DEFINED, "added")])
            return known or machine

    def start(self, domain: DomainKey, paused: bool = False) -> Machine:
        """Start a domain that is shut off, at once."""
        with self._store.transaction():
            machine = self._machine(domain)
            if machine.id is not None:
                raise OperationFailed("Requested operation is not valid: domain is already running", code=55)
            machine = replace(machine, id=self._next_id()).resumed("booted")
            events: list[Event] = [LifecycleEvent(machine.key, Lifecycle.STARTED, "booted")]
            if paused:
                machine = machine.paused("user")
                events.append(LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "paused"))
            self._put(machine)
            self._store.tell(events)
            return machine

    def destroy(self, domain: DomainKey, detail: str) -> None:
        """Stop a domain at once, under its job if it has one; `detail` is that of the lifecycle event."""
        self.settle()
        with self._store.transaction():
            machine = self._active(domain)
            plan = self._store.plan(domain.uuid)
            if plan is not None and plan.stage is not Stage.PENDING:
                self._store.put_plan(plans.cut_short(plan, self._clock(), detail))
            else:
                machine, event = machine.stopped(detail)
                self._put(machine)
                self._store.tell([event])
            # Nobody may see the job gone while the domain still runs.
            self._pass(self._clock())

    def _advance(self, plan: Plan, now: float) -> None:
        machine = self._store.machine(plan.uuid)
        if machine is None:
            self._store.remove_plan(plan)
        elif plan.stage is Stage.PENDING:
            self._store.remove_plan(plan)
            if machine.lively and effects.fits(plan.operation, machine):
                self._begin(replace(plan, domain_id=machine.id, was_running=machine.running), machine)
            else:
                self._follow(machine, plan, plan.begun, now)
        elif plan.stage is Stage.WORKING:
            self._store.put_plan(replace(plan, stage=Stage.STOPPED))
            self._apply(effects.stopped(plan, machine))
        else:
            plan = replace(_closed(plan), stage=Stage.OVER)
            self._store.put_plan(plan)
            machine = self._apply(effects.over(plan, machine))
            self._follow(machine, plan, plan.end, now)

    def _begin(self, plan: Plan, machine: Machine) -> int:
        machine = self._apply(effects.begun(plan, machine, self._next_id))
        return self._store.put_plan(replace(plan, domain_id=machine.id, stage=Stage.WORKING))

    def _follow(self, machine: Machine, plan: Plan, after: float, now: float) -> None:
        """Where the simulator keeps jobs running, the next one follows `plan`."""
        if machine.lively:
            self._store.put_plan(fleet.next_plan(machine, plan.id or 0, after, now))

    def _apply(self, effect: effects.Effect) -> Machine:
        machine, events = effect
        self._put(machine)
        self._store.tell(events)
        return machine

    def _put(self, machine: Machine) -> None:
        self._store.put_machines([machine])

    def _machine(self, domain: DomainKey) -> Machine:
        """The domain. NoSuchDomain for one that is unknown."""
        machine = self._store.machine(domain.uuid)
        if machine is None:
            raise refusals.no_domain(domain)
        plan = self._store.plan(domain.uuid)
        if plan is not None and plan.hung and plan.stage is Stage.WORKING:
            raise Hanging
        return machine

    def _active(self, domain: DomainKey) -> Machine:
        """The domain in its run. DomainNotRunning without a run, NoSuchDomain where another run followed."""
        machine = self._machine(domain)
        if machine.id is None or machine.id != domain.id:
            raise _inactive(domain, True, machine.id)
        return machine

    def _idle(self, domain: DomainKey) -> Machine:
        """The domain in its run. DomainBusy while a job is on it."""
        machine = self._active(domain)
        plan = self._store.plan(machine.uuid)
        if plan is not None and plan.stage is not Stage.PENDING:
            raise refusals.busy()
        return machine

    def _next_id(self) -> int:
        id = int(self._store.setting("last id") or 0) + 1
        self._store.set("last id", id)
        return id

    def _next_number(self) -> int:
        number = int(self._store.setting("last number") or FIRST_DEFINED) + 1
        self._store.set("last number", number)
        return number

    def _shape(self) -> None:
        """Bring the fleet to what the URI asks for; what it does not name stays."""
        options = self._options
        asked = {"domains": options.domains, "jobs": options.jobs, "memory": options.memory}
        asked = {name: value for name, value in asked.items() if value is not None}
        if self._store.setting("shaped") and all(self._store.setting(name) == value for name, value in asked.items()):
            return
        with self._store.transaction():
            for name, value in asked.items():
                self._store.set(name, value)
            self._store.set("shaped", 1)
            self._reshape(*(self._store.setting(name) for name in ("domains", "jobs", "memory")))

    def _reshape(self, domains: float | None, jobs: float | None, memory: float | None) -> None:
        counts = (None if value is None else int(value) for value in (domains, jobs, memory))
        fleet_now = {machine.uuid: machine for machine in fleet.machines(self._options.name, *counts)}
        known = {machine.uuid: machine for machine in self._store.machines()}
        for uuid, machine in known.items():
            if machine.number < FIRST_DEFINED and uuid not in fleet_now:
                self._store.remove(uuid)
        put: list[Machine] = []
        id = int(self._store.setting("last id") or 0)
        for uuid, machine in fleet_now.items():
            if (old := known.get(uuid)) is not None:
                put.append(replace(old, number=machine.number, memory=machine.memory, lively=machine.lively))
            elif machine.state is DomainState.SHUTOFF:
                put.append(machine)
            else:
                id += 1
                put.append(replace(machine, id=id))
        self._store.put_machines(put)
        self._store.set("last id", id)
        busy = self._store.plans(fleet_now)
        for machine in put:
            if machine.lively and machine.uuid not in busy:
                self._store.put_plan(fleet.first_plan(machine, self._clock()))


def _inactive(domain: DomainKey, known: bool, id: int | None) -> BackendError:
    """The error for a domain that is not in the run that was meant."""
    if not known:
        return refusals.no_domain(domain)
    return refusals.not_running() if id is None or domain.id is None else refusals.no_run(domain)


def _closed(plan: Plan) -> Plan:
    """The plan with what became of its file: a real reason why it cannot be written fails it."""
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
