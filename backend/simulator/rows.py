"""Between the rows of a simulator's file and the objects that they store."""

from __future__ import annotations

import functools
import json
from dataclasses import fields
from operator import attrgetter
from typing import Any

from backend.events import DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import Domain, DomainKey, DomainState, DumpFlags, DumpFormat, JobOperation
from backend.simulator.effects import from_json, to_json
from backend.simulator.machine import Machine
from backend.simulator.plan import Ending, Plan, Stage

MACHINE_COLUMNS = [field.name for field in fields(Machine)]
PLAN_COLUMNS = [field.name for field in fields(Plan)]
# dataclasses.astuple would copy each value.
machine_values, plan_values = attrgetter(*MACHINE_COLUMNS), attrgetter(*PLAN_COLUMNS)
_PLAN_TYPES: dict[str, Any] = {
    "operation": JobOperation,
    "ending": Ending,
    "format": DumpFormat,
    "flags": DumpFlags,
    "stage": Stage,
    "hung": bool,
    "created": bool,
    "was_running": bool,
}


def machine_of(row: Any) -> Machine:
    """The machine in a row of MACHINE_COLUMNS."""
    uuid, name, number, memory, running_id, state, reason, lively, record, last = row
    return Machine(uuid, name, number, memory, running_id, DomainState(state), reason, bool(lively), record, last)


# Few rows change between two reads, and making 10,000 objects takes longer than reading their rows.
@functools.lru_cache(maxsize=20_000)
def domain_of(row: Any) -> Domain:
    """The domain in a row of uuid, running id, name, state, reason, memory and whether it hangs."""
    uuid, running_id, name, state, reason, memory, hung = row
    return Domain(DomainKey(uuid, running_id, name), DomainState(state), reason, memory, not hung)


@functools.lru_cache(maxsize=20_000)
def plan_of(row: Any) -> Plan:
    """The plan in a row of PLAN_COLUMNS."""
    values = dict(zip(PLAN_COLUMNS, row, strict=True))
    return Plan(**{name: _PLAN_TYPES[name](value) if name in _PLAN_TYPES else value for name, value in values.items()})


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
        case _:
            return RecordEvent(domain)
