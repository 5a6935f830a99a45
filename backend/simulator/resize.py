"""Brings a simulator's fleet to the size that a URI requests; it changes nothing that the URI does not mention."""

from __future__ import annotations

from dataclasses import replace

from backend.model import DomainState
from backend.simulator import fleet
from backend.simulator.machine import Machine
from backend.simulator.options import Options
from backend.simulator.store import FIRST_DEFINED, Store


def resize(store: Store, options: Options, now: float) -> None:
    """Add, change and remove machines of the fleet as `options` say. Does nothing if the fleet has that size already.

    Raises NoConnection if the simulator's file cannot be used.
    """
    sizes = {"domains": options.domains, "jobs": options.jobs, "memory": options.memory}
    requested = {name: size for name, size in sizes.items() if size is not None}
    if store.setting("shaped") and all(store.setting(name) == size for name, size in requested.items()):
        return
    with store.transaction():
        for name, size in requested.items():
            store.set(name, size)
        store.set("shaped", 1)
        _apply(store, options.name, now)


def _apply(store: Store, simulator: str, now: float) -> None:
    sizes = (store.setting(name) for name in ("domains", "jobs", "memory"))
    domains, jobs, memory = (None if size is None else int(size) for size in sizes)
    planned = {machine.uuid: machine for machine in fleet.machines(simulator, domains, jobs, memory)}
    existing = {machine.uuid: machine for machine in store.machines()}
    for uuid, machine in existing.items():
        if machine.number < FIRST_DEFINED and uuid not in planned:
            store.remove(uuid)
    machines: list[Machine] = []
    running_id = int(store.setting("last id") or 0)
    for uuid, machine in planned.items():
        old = existing.get(uuid)
        if old is not None:
            machine = replace(old, number=machine.number, memory=machine.memory, lively=machine.lively)
        elif machine.state is not DomainState.SHUTOFF:
            running_id += 1
            machine = replace(machine, id=running_id)
        machines.append(machine)
    store.put_machines(machines)
    store.set("last id", running_id)
    busy = {(plan.uuid, plan.disk) for plan in store.plans(planned)}
    for machine in machines:
        if machine.lively:
            for plan in fleet.first_plans(machine, now):
                if (plan.uuid, plan.disk) not in busy:
                    store.put_plan(plan)
