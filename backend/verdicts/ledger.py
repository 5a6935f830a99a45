"""The signs of how a job ended, in the order in which they were seen. Signs are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.outcome import Evidence, Verdict


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that says how a job ended, whether or not it proves it."""

    at: float
    """When it was seen (the caller's monotonic clock, seconds)."""
    evidence: Evidence
    """What kind of sign it is; NONE for a remark that only describes the end."""
    verdict: Verdict
    """What it proves; UNPROVEN: nothing."""
    detail: str
    """One sentence."""
    error: str = ""
    """The hypervisor's own message, where it gave one."""
    written: bool = False
    """Whether it shows that the hypervisor had nothing left to write."""

    @property
    def proves(self) -> bool:
        return self.verdict is not Verdict.UNPROVEN

    @property
    def content(self) -> tuple[object, ...]:
        """Everything but the time."""
        return self.evidence, self.verdict, self.detail, self.error, self.written


class Ledger:
    def __init__(self) -> None:
        self._signs: list[Sign] = []

    @property
    def signs(self) -> Sequence[Sign]:
        """All signs, oldest first."""
        return self._signs

    def add(self, sign: Sign) -> None:
        """Keep `sign`, unless it only repeats the latest one of its kind."""
        latest = next((earlier for earlier in reversed(self._signs) if earlier.evidence is sign.evidence), None)
        if latest is None or latest.content != sign.content:
            self._signs.append(sign)


def proof_by(signs: Sequence[Sign], evidence: Evidence) -> Sign | None:
    """The first proof of that kind: a later one may be about another job."""
    return next((sign for sign in signs if sign.evidence is evidence and sign.proves), None)


def proof_by_signs(signs: Sequence[Sign]) -> Sign | None:
    """The first proof of the best kind."""
    return next((proof for evidence in Evidence if (proof := proof_by(signs, evidence))), None)


def all_written(signs: Sequence[Sign]) -> bool:
    """Whether the hypervisor was seen to have nothing left to write."""
    return any(sign.written for sign in signs)


def word_of_hypervisor(signs: Sequence[Sign]) -> Sign | None:
    """What the hypervisor itself reported, proof or not."""
    return next((sign for sign in signs if sign.evidence is Evidence.HYPERVISOR), None)


def dump_reported(signs: Sequence[Sign]) -> bool:
    """Whether a dump's end was reported: by QEMU that of a memory-only one, by libvirt that of a raw one's stream."""
    return any(sign.evidence in (Evidence.HYPERVISOR, Evidence.JOB_EVENT) for sign in signs)


def stream_reported(signs: Sequence[Sign]) -> bool:
    """Whether libvirt reported the end of a raw dump's stream, which it does not where that was aborted."""
    return any(sign.evidence is Evidence.JOB_EVENT for sign in signs)


def last_remark(signs: Sequence[Sign]) -> Sign | None:
    """How the end looked; used if nothing proves it."""
    return next((sign for sign in reversed(signs) if sign.evidence is Evidence.NONE), None)
