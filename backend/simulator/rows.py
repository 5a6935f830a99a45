"""Between the rows of a simulator's file and the objects that they store."""

from __future__ import annotations

import functools
import json
from dataclasses import fields
from operator import attrgetter
from typing import Any

from backend.dump_request import DumpFlags, DumpFormat
from backend.events import (
    BlockJobEvent,
    BlockJobStatus,
    DumpEvent,
    Event,
    JobBegan,
    JobEvent,
    Lifecycle,
    LifecycleEvent,
    RecordEvent,
)
from backend.job_stats import Postcopy
from backend.model import BlockOperation, Domain, DomainKey, DomainState, JobOperation
from backend.simulator.effects import from_json, to_json
from backend.simulator.machine import Machine
from backend.simulator.plans.backup import PullBackup
from backend.simulator.plans.block_job import BlockJob
from backend.simulator.plans.migration import Migration
from backend.simulator.plans.panic import PanicDump
from backend.simulator.plans.plan import Ending, Plan, Stage

_KINDS = {kind.__name__: kind for kind in (Plan, BlockJob, Migration, PullBackup, PanicDump)}
_COMMON = [field.name for field in fields(Plan)]
_OWN = {kind: [field.name for field in fields(kind) if field.name not in _COMMON] for kind in _KINDS.values()}
MACHINE_COLUMNS = [field.name for field in fields(Machine)]
PLAN_COLUMNS = [*_COMMON, "kind", "details"]
# dataclasses.astuple would copy each value.
machine_values, _common_values = attrgetter(*MACHINE_COLUMNS), attrgetter(*_COMMON)
_PLAN_TYPES: dict[str, Any] = {
    "ending": Ending,
    "format": DumpFormat,
    "flags": DumpFlags,
    "stage": Stage,
    "hung": bool,
    "created": bool,
    "was_running": bool,
    "phase": lambda value: None if value is None else Postcopy(value),
}


def machine_of(row: Any) -> Machine:
    """The machine in a row of MACHINE_COLUMNS."""
    uuid, name, number, memory, running_id, state, reason, lively, record, last, disks = row
    return Machine(
        uuid, name, number, memory, running_id, DomainState(state), reason, bool(lively), record, last, disks
    )


# Few rows change between two reads, and making 10,000 objects takes longer than reading their rows.
@functools.lru_cache(maxsize=20_000)
def domain_of(row: Any) -> Domain:
    """The domain in a row of uuid, running id, name, state, reason, memory and whether it hangs."""
    uuid, running_id, name, state, reason, memory, hung = row
    return Domain(DomainKey(uuid, running_id, name), DomainState(state), reason, memory, not hung)


@functools.lru_cache(maxsize=20_000)
def plan_of(row: Any) -> Plan:
    """The plan in a row of PLAN_COLUMNS."""
    *common, kind, details = row
    values = dict(zip(_COMMON, common, strict=True))
    if details:
        values.update(json.loads(details))
    values = {name: _PLAN_TYPES[name](value) if name in _PLAN_TYPES else value for name, value in values.items()}
    values["operation"] = BlockOperation(values["operation"]) if values["disk"] else JobOperation(values["operation"])
    return _KINDS[kind](**values)


def plan_values(plan: Plan) -> tuple[Any, ...]:
    """The plan as a row of PLAN_COLUMNS."""
    own = {name: getattr(plan, name) for name in _OWN[type(plan)]}
    return *_common_values(plan), type(plan).__name__, json.dumps(own) if own else ""


def event_text(event: Event) -> str:
    """The event as JSON. TypeError for a kind that processes do not share."""
    values: dict[str, Any] = {"kind": type(event).__name__}
    match event:
        case LifecycleEvent(event=kind, detail=detail):
            values.update(event=int(kind), detail=detail)
        case JobEvent(stats=stats):
            values.update(stats=to_json(stats))
        case DumpEvent(completed=completed, error=error):
            values.update(completed=completed, error=error)
        case BlockJobEvent(disk=disk, operation=operation, status=status):
            values.update(disk=disk, operation=int(operation), status=int(status))
        case JobBegan(block=block):
            values.update(block=block)
        case RecordEvent():
            pass
        case _:
            raise TypeError(f"{event} is not shared between processes")
    domain = event.domain
    return json.dumps({**values, "uuid": domain.uuid, "id": domain.id, "name": domain.name})


def event_of(text: str) -> Event:
    """The event in the JSON that `event_text` made."""
    values = json.loads(text)
    domain = DomainKey(values["uuid"], values["id"], values["name"])
    match values["kind"]:
        case "LifecycleEvent":
            return LifecycleEvent(domain, Lifecycle(values["event"]), values["detail"])
        case "JobEvent":
            return JobEvent(domain, from_json(values["stats"]))
        case "DumpEvent":
            return DumpEvent(domain, values["completed"], values["error"])
        case "BlockJobEvent":
            operation, status = BlockOperation(values["operation"]), BlockJobStatus(values["status"])
            return BlockJobEvent(domain, values["disk"], operation, status)
        case "JobBegan":
            return JobBegan(domain, values["block"])
        case _:
            return RecordEvent(domain)
