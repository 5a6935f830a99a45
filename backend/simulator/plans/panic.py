"""Plans of dumps that libvirt makes by itself when a guest panics (``<on_crash>coredump-…``)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.dump_request import DumpFlags
from backend.model import JobOperation
from backend.simulator.machine import Machine
from backend.simulator.options import Fail
from backend.simulator.plans.plan import FAILING, Ending, Plan, closing


@dataclass(frozen=True, slots=True)
class PanicDump(Plan):
    """A memory-only dump of a crashed guest. Its file is made when it begins."""

    restart: bool = False
    """Whether the guest starts again after its dump; else the domain stops."""


def panic_dump(machine: Machine, begun: float, length: float, restart: bool, fail: Fail = Fail.NONE) -> PanicDump:
    """The plan of the dump by libvirt of a guest that panics at `begun`; writing it takes `length` seconds."""
    plan = PanicDump(
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
    if fail is Fail.DISK_FULL:
        half = begun + length / 2
        return replace(plan, stop=half, end=half + FAILING, ending=Ending.FAILED, error="No space left on device")
    return plan
