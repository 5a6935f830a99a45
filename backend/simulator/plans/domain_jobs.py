"""Plans of dumps, and of the operations of a domain that need no module of their own."""

from __future__ import annotations

from dataclasses import replace

from backend.dump_request import DumpFlags, DumpRequest
from backend.model import JobOperation
from backend.simulator.machine import Machine
from backend.simulator.options import Fail
from backend.simulator.plans.plan import FAILING, Plan, closing, cut_short, failed

HANG = 60.0
"""Seconds until a hanging target fails the dump."""


def dump(machine: Machine, request: DumpRequest, created: bool, now: float, rate: int, fail: Fail) -> Plan:
    """The plan of a dump that begins `now` and writes `rate` bytes per second."""
    length = machine.memory / rate
    plan = Plan(
        uuid=machine.uuid,
        domain_id=machine.id,
        operation=JobOperation.DUMP,
        begun=now,
        length=length,
        stop=now + length,
        end=now + length + closing(length),
        total=machine.memory,
        fate="crashed" if DumpFlags.CRASH in request.flags else "",
        path=request.path,
        format=request.format,
        flags=request.flags,
        created=created,
        was_running=machine.running,
    )
    return _spoiled(plan, fail)


def operation(machine: Machine, kind: JobOperation, begun: float, length: float, total: int) -> Plan:
    """The plan of an operation that writes no file on this machine; `length` is in seconds."""
    fates = {JobOperation.SAVE: "saved", JobOperation.MIGRATION_OUT: "migrated"}
    return Plan(
        uuid=machine.uuid,
        domain_id=machine.id,
        operation=kind,
        begun=begun,
        length=length,
        stop=begun + length,
        end=begun + length + closing(length),
        total=total,
        fate=fates.get(kind, ""),
        flags=DumpFlags.MEMORY_ONLY if kind is JobOperation.DUMP else DumpFlags.NONE,
        was_running=machine.running,
    )


def _spoiled(plan: Plan, fail: Fail) -> Plan:
    """The plan after the failure that the URI asks for."""
    half = plan.begun + plan.length / 2
    match fail:
        case Fail.DISK_FULL:
            reason = f"Unable to write {plan.path}: No space left on device"
            plan = failed(
                plan, f"operation failed: /usr/lib/libvirt/libvirt_iohelper: failure with {plan.path}: {reason}", 9
            )
            # QEMU notices during a memory-only dump; with a stream, the error appears when the file is closed.
            return replace(plan, stop=half, end=half + FAILING) if plan.memory_only else plan
        case Fail.DESTROYED:
            return cut_short(plan, half, "destroyed")
        case Fail.CRASH:
            return cut_short(plan, half, "failed")
        case Fail.HANG:
            plan = failed(plan, f"Failed to create file '{plan.path}': Connection timed out", 38)
            return replace(plan, stop=plan.begun + HANG, end=plan.begun + HANG, length=HANG * 2, hung=True)
        case _:
            return plan
