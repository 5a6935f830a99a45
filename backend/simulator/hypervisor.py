"""The calls of the simulated hypervisor: what libvirt's daemon would answer, from the stored state and the clock.

Each call first applies what is due by now (`schedule`), so all processes see the same jobs at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from backend.dump_request import DumpRequest
from backend.errors import OperationCancelled, OperationFailed
from backend.events import ClaimsEvent, Lifecycle, LifecycleEvent, RecordEvent
from backend.job_stats import JobStats
from backend.model import Domain, DomainKey, DomainState
from backend.simulator import effects, refusals, target
from backend.simulator.machine import Machine
from backend.simulator.options import Fail, Options
from backend.simulator.plans import domain_jobs, migration
from backend.simulator.plans import plan as plans
from backend.simulator.plans.migration import Migration
from backend.simulator.plans.panic import PanicDump
from backend.simulator.plans.plan import Ending, Plan, Stage
from backend.simulator.resize import resize
from backend.simulator.schedule import Schedule
from backend.simulator.snapshot import Hanging, Situation, inactive
from backend.simulator.store import Store

NO_JOBS: Mapping[str, Plan] = {}
OUTAGE = (0.3, 0.6)
"""The part of a dump during which connections are lost if the URI says ``fail=disconnect``: from 30 % to 60 %."""


class Hypervisor:
    """One simulator, for use by one thread.

    Any method raises NoConnection if the simulator's file cannot be used. Methods about one domain also raise
    NoSuchDomain and Hanging.
    """

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch."""
        self.options = options
        self.clock = clock
        self.store = Store(options.name)
        self.schedule = Schedule(self.store, clock)
        try:
            resize(self.store, options, clock())
        except BaseException:
            self.store.close()
            raise

    def close(self) -> None:
        self.store.close()

    def apply_due(self) -> None:
        """Apply everything that is due by now."""
        self.schedule.apply_due()

    def domains(self) -> list[Domain]:
        """All domains, in their order."""
        self.apply_due()
        return self.store.domains()

    def situations(self, uuids: Iterable[str]) -> tuple[dict[str, Situation], float]:
        """How domains are, by uuid, and the moment for which that holds."""
        self.apply_due()
        now = self.clock()
        uuids = list(uuids)
        # Read the plans first: the end of a job may stop the domain too, and that is not a domain without a job.
        own: dict[str, Plan] = {}
        disks: dict[str, dict[str, Plan]] = {}
        for plan in self.store.plans(uuids):
            if plan.disk:
                disks.setdefault(plan.uuid, {})[plan.disk] = plan
            else:
                own[plan.uuid] = plan
        running_ids = self.store.ids(uuids)
        return {
            uuid: Situation(uuid in running_ids, running_ids.get(uuid), own.get(uuid), disks.get(uuid, NO_JOBS))
            for uuid in uuids
        }, now

    def statuses(self, uuids: Iterable[str]) -> dict[str, tuple[Domain, Situation, float]]:
        """The domains that exist of these, by uuid, each with how it was while it was in that state, and when."""
        uuids = list(uuids)
        before = self.store.some_domains(uuids)
        while True:
            situations, now = self.situations(uuids)
            after = self.store.some_domains(uuids)
            if before == after:
                return {uuid: (domain, situations[uuid], now) for uuid, domain in after.items()}
            before = after

    def last_stats(self, domain: DomainKey) -> JobStats | None:
        """The completed statistics that the domain's last job left; None without any."""
        self.apply_due()
        machine = self.machine(domain)
        return effects.from_json(machine.last) if machine.last else None

    def begin_dump(self, request: DumpRequest) -> int:
        """Begin a dump and return the number of its plan. The dump continues even if the caller goes away."""
        refusal = refusals.dump(request)
        if refusal is not None:
            raise refusal
        self.apply_due()
        with self.store.transaction():
            machine = self.idle(request.domain)
            if not request.memory_only and self._disk_has_job(machine):
                raise refusals.block_job_prevents()
            now = self.clock()
            try:
                created = target.create(request.path, request.format)
            except OSError as error:
                raise refusals.cannot_create(request.path, error) from None
            plan = domain_jobs.dump(machine, request, created, now, self.options.rate, self.options.fail)
            if self.options.fail is Fail.DISCONNECT:
                self.store.set_outage(*(now + part * plan.length for part in OUTAGE))
            return self.begin(plan, machine)

    def _disk_has_job(self, machine: Machine) -> bool:
        return any(plan.disk and plan.stage is not Stage.PENDING for plan in self.store.plans([machine.uuid]))

    def result(self, number: int) -> Plan | None:
        """The plan of that number; None if it was pruned. Raises the job's error if it has failed or was cancelled."""
        self.apply_due()
        plan = self.store.plan_by_number(number)
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
        self.active(domain)
        plan = self.store.plan(domain.uuid)
        return plan.path if plan else ""

    def automatic_dump_path(self, domain: DomainKey) -> str | None:
        """The path of the running dump that libvirt itself began, empty if it has no file; None without one."""
        self.apply_due()
        self.active(domain)
        plan = self.store.plan(domain.uuid)
        return plan.path if isinstance(plan, PanicDump) and plan.stage is not Stage.PENDING else None

    def abort(self, domain: DomainKey, postcopy: bool = False) -> None:
        """Abort the domain's own job. NoJob without one, NotSupported if it cannot be aborted, or not in that way."""
        self.apply_due()
        with self.store.transaction():
            machine = self.active(domain)
            plan = self.job(machine)
            if isinstance(plan, Migration):
                plan = migration.aborted(plan, self.clock(), postcopy)
            elif postcopy:
                raise refusals.not_in_postcopy()
            else:
                plan = plans.aborted(plan, self.clock())
            self.store.put_plan(plan)
            if postcopy:
                self.schedule.apply(effects.break_postcopy(machine))

    def resume(self, domain: DomainKey) -> None:
        """Resume a paused domain. DomainBusy while it has a job."""
        self.apply_due()
        with self.store.transaction():
            machine = self.idle(domain)
            if machine.state is not DomainState.PAUSED:
                raise refusals.not_paused()
            self.store.put_machines([machine.resumed("unpaused")])
            self.store.add_events([LifecycleEvent(machine.key, Lifecycle.RESUMED, "unpaused")])

    def record(self, domain: DomainKey) -> str:
        """The shared record in the domain's metadata, as XML; empty without one."""
        self.apply_due()
        return self.machine(domain).record

    def publish(self, domain: DomainKey, record: str) -> None:
        """Put `record` into the domain's metadata. DomainBusy while it has a job."""
        self.apply_due()
        with self.store.transaction():
            machine = self.idle(domain)
            self.store.put_machines([replace(machine, record=record)])
            self.store.add_events([RecordEvent(machine.key)])

    def claims(self, domain: DomainKey) -> str:
        """What is told of its last jobs in the domain's metadata, as XML; empty without that."""
        self.apply_due()
        return self.store.text(_claims_of(self.machine(domain)))

    def publish_claims(self, domain: DomainKey, claims: str) -> None:
        """Put `claims` into the domain's metadata, where they outlive its runs. DomainBusy while it has a job."""
        self.apply_due()
        with self.store.transaction():
            machine = self.machine(domain)
            if machine.id is not None:
                machine = self.idle(machine.key)
            self.store.put_text(_claims_of(machine), claims)
            self.store.add_events([ClaimsEvent(machine.key)])

    def machine(self, domain: DomainKey) -> Machine:
        """The domain, in whichever run. NoSuchDomain if it is unknown."""
        machine = self.store.machine(domain.uuid)
        if machine is None:
            raise refusals.no_domain(domain)
        plan = self.store.plan(domain.uuid)
        if plan is not None and plan.hung and plan.stage is Stage.WORKING:
            raise Hanging
        return machine

    def active(self, domain: DomainKey) -> Machine:
        """The domain in its run. DomainNotRunning if it is shut off, NoSuchDomain if a later run has begun."""
        machine = self.machine(domain)
        if not machine.active or machine.id != domain.id:
            raise inactive(domain, True, machine.id)
        return machine

    def idle(self, domain: DomainKey) -> Machine:
        """The domain in its run, without a job of its own. DomainBusy if it has one."""
        machine = self.active(domain)
        plan = self.store.plan(machine.uuid)
        if plan is not None and plan.stage is not Stage.PENDING:
            raise refusals.busy()
        return machine

    def job(self, machine: Machine) -> Plan:
        """The domain's own job. NoJob without one."""
        plan = self.store.plan(machine.uuid)
        if plan is None or plan.stage is Stage.PENDING:
            raise refusals.no_job()
        return plan

    def begin(self, plan: Plan, machine: Machine) -> int:
        """Begin the job of `plan`, inside the caller's transaction; returns its number.

        A job that the simulator has only planned gives way to it.
        """
        if (pending := self.store.plan(machine.uuid, plan.disk)) is not None:
            self.store.remove_plan(pending)
        return self.schedule.begin(plan, machine)


def _claims_of(machine: Machine) -> str:
    return f"claims of {machine.uuid}"
