"""Plans of dumps that libvirt makes by itself when a guest panics (``<on_crash>coredump-…``)."""

from __future__ import annotations

from dataclasses import dataclass

from backend.model import DumpFlags, JobOperation
from backend.simulator.machine import Machine
from backend.simulator.plans.plan import Plan, closing


@dataclass(frozen=True, slots=True)
class PanicDump(Plan):
    """A memory-only dump of a crashed guest. Its file is made when it begins."""

    restart: bool = False
    """Whether the guest starts again afterwards; else the domain stops."""


def panic_dump(machine: Machine, begun: float, length: float, restart: bool) -> PanicDump:
    """The plan of the dump by libvirt of a guest that panics at `begun`; writing it takes `length` seconds."""
    return PanicDump(
        uuid=machine.uuid,
        domain_id=machine.id,
        operation=JobOperation.DUMP,
        begun=begun,
        length=length,
        stop=begun + length,
        end=begun + length + closing(length),
        total=machine.memory,
        flags=DumpFlags.MEMORY_ONLY,
        was_running=machine.running,
        restart=restart,
    )
