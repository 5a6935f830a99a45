"""The calls of the simulated hypervisor: what libvirt's daemon would answer, from the stored state and the clock.

Each call first applies what is due by now (`schedule`), so all processes see the same jobs at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from backend.errors import BackendError, NoJob, OperationCancelled, OperationFailed
from backend.events import Event, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import Domain, DomainKey, DomainState, DumpRequest, JobStats
from backend.simulator import effects, refusals, target
from backend.simulator import plan as plans
from backend.simulator.machine import Machine, new_machine
from backend.simulator.options import Fail, Options
from backend.simulator.plan import Ending, Plan, Stage
from backend.simulator.resize import resize
from backend.simulator.schedule import Schedule
from backend.simulator.store import Store

OUTAGE = (0.3, 0.6)
"""The part of a dump during which connections are lost if the URI says ``fail=disconnect``: from 30 % to 60 %."""


class Hanging(Exception):
    """The domain answers no call now: the target of its dump hangs."""


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

    def stats(self, domain: DomainKey) -> JobStats | None:
        """The statistics of the domain's job, as ``jobStats`` gives them; None without a job."""
        self.apply_due()
        # Read the plan first: the end of a job may stop the domain too, and that is not a domain without a job.
        plan = self._store.plan(domain.uuid)
        self._active(domain)
        return plan.stats(self._clock()) if plan else None

    def all_stats(self, domains: Iterable[DomainKey]) -> dict[DomainKey, JobStats | BackendError | None]:
        """`stats` of many domains, read at once: statistics, None or the error. Hanging domains are left out."""
        self.apply_due()
        now = self._clock()
        domains = list(domains)
        plans_by_uuid = self._store.plans(domain.uuid for domain in domains)
        stats: dict[DomainKey, JobStats | BackendError | None] = {}
        jobless = []
        for domain in domains:
            plan = plans_by_uuid.get(domain.uuid)
            if plan is None or plan.stage is Stage.PENDING or plan.domain_id != domain.id:
                jobless.append(domain)
            elif not plan.hung:
                try:
                    stats[domain] = plan.stats(now)
                except BackendError as error:
                    stats[domain] = error
        running_ids = self._store.ids(domain.uuid for domain in jobless) if jobless else {}
        for domain in jobless:
            exists, running_id = domain.uuid in running_ids, running_ids.get(domain.uuid)
            same_run = running_id is not None and running_id == domain.id
            stats[domain] = None if same_run else _inactive(domain, exists, running_id)
        return stats

    def last_stats(self, domain: DomainKey) -> JobStats | None:
        """The completed statistics that the domain's last job left; None without any."""
        self.apply_due()
        machine = self._machine(domain)
        return effects.from_json(machine.last) if machine.last else None

    def outage(self) -> bool:
        """Whether connections are lost now."""
        begin, end = self._store.setting("outage begun"), self._store.setting("outage end")
        return begin is not None and end is not None and begin <= self._clock() < end

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
                for name, part in zip(("outage begun", "outage end"), OUTAGE, strict=True):
                    self._store.set(name, now + part * plan.length)
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
            raise _inactive(domain, True, machine.id)
        return machine

    def _idle(self, domain: DomainKey) -> Machine:
        """The domain in its run, without a job. DomainBusy if it has one."""
        machine = self._active(domain)
        plan = self._store.plan(machine.uuid)
        if plan is not None and plan.stage is not Stage.PENDING:
            raise refusals.busy()
        return machine


def _inactive(domain: DomainKey, exists: bool, running_id: int | None) -> BackendError:
    """The error for a domain whose run is over; `running_id` is that of its present run."""
    if not exists:
        return refusals.no_domain(domain)
    return refusals.not_running() if running_id is None or domain.id is None else refusals.no_run(domain)
