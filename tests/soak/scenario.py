"""What is done in one round of one domain: all of it chosen beforehand, so that a seed repeats the choices."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from backend.records.record import RecordState


class Asker(StrEnum):
    OURS = "ours"
    COMMAND = "virt-jobs dump"
    VIRSH = "virsh dump"


class Fault(StrEnum):
    NOTHING = "left in peace"
    ABORT = "abort asked for"
    KILL_ASKER = "requester killed"
    KILL_RUNNER = "runner killed"
    DESTROY = "domain destroyed"
    DESTROY_START = "domain destroyed and started again"
    KILL_QEMU = "QEMU killed"
    AGAIN = "another dump at once"


_OF_ANY = [Fault.NOTHING] * 5 + [Fault.DESTROY, Fault.DESTROY_START, Fault.AGAIN, Fault.AGAIN, Fault.ABORT, Fault.ABORT]
_CLAIMS = [RecordState.COMPLETED, RecordState.COMPLETED, RecordState.FAILED, RecordState.CANCELLED]


@dataclass(frozen=True, slots=True)
class Scenario:
    asker: Asker
    format: str
    fault: Fault
    moment: float
    """How far the dump has got when it happens, from 0 to 1."""
    full: bool
    """Whether it goes to a disk that it does not fit on."""
    older: bool
    """Whether an older dump is in its place, where that is no full disk."""
    paused: bool
    crash: bool
    """Whether the dump is asked to leave the domain crashed."""
    late: float
    """Seconds after which one more waiter comes."""
    command: bool
    """Whether a command waits too."""
    renamed: bool
    """Whether the domain is shut off and renamed before."""
    forged_file: bool
    """Whether processes of another user look like this dump's, with a whole file of their own."""
    forged_claim: RecordState | None
    """The result that a forged record claims, from about the end of the dump on."""

    @classmethod
    def chosen(cls, chance: random.Random, formats: tuple[str, ...], processes: bool) -> Scenario:
        asker = chance.choices(list(Asker), [5, 1, 5])[0]
        faults = _OF_ANY + [Fault.KILL_QEMU] * processes
        faults += {Asker.OURS: [Fault.KILL_RUNNER] * 3}.get(asker, [Fault.KILL_ASKER] * 3)
        return cls(
            asker=asker,
            format=chance.choice(formats),
            fault=chance.choice(faults),
            moment=chance.choice([0.0, chance.random(), 1.0]),
            full=chance.random() < 0.15,
            older=chance.random() < 0.25,
            paused=chance.random() < 0.2,
            crash=chance.random() < 0.1,
            late=chance.uniform(0.0, 0.8),
            command=chance.random() < 0.1,
            renamed=chance.random() < 0.1,
            forged_file=chance.random() < 0.25,
            forged_claim=chance.choice(_CLAIMS) if chance.random() < 0.3 else None,
        )

    def __str__(self) -> str:
        more = [
            name
            for name, said in {
                "to a full disk": self.full,
                "over an older dump": self.older,
                "of a paused guest": self.paused,
                "--crash": self.crash,
                "renamed before": self.renamed,
                "beside forged helpers": self.forged_file,
                f"claimed to be {self.forged_claim} by a forged record": self.forged_claim is not None,
            }.items()
            if said
        ]
        return ", ".join([f"{self.format} by {self.asker}", *more, f"{self.fault} at {self.moment:.0%}"])
