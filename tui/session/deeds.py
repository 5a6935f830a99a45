"""What was done through this console, newest first: each with its result, and as commands that do the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from backend.outcome import Verdict
from backend.records.record import RecordState
from tui.session.activity_log import Tone
from tui.session.job_wait import JobWait
from tui.session.planned_dump import PlannedDump
from tui.words.equivalents import Equivalent

MOST = 500
"""Deeds that are kept."""
ACCEPTED = "accepted"
"""The hypervisor took the request; how a job ends that it was about is another matter."""
_TONES = {Verdict.COMPLETED: Tone.PLAIN, Verdict.FAILED: Tone.ERROR}


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done."""

    number: int
    at: float
    """Seconds since the epoch."""
    subject: str
    """The domain or the host."""
    what: str
    commands: Equivalent
    result: str = ""
    """Empty while it is not known."""
    tone: Tone = Tone.QUIET
    """That of the result."""


class Deeds:
    """`changed` is called for each that is new, or has a result now."""

    def __init__(self, changed: Callable[[], object] = lambda: None, clock: Callable[[], float] = time.time) -> None:
        self._changed = changed
        self._clock = clock
        self._deeds: dict[int, Deed] = {}
        """Oldest first."""
        self._number = 0
        self._dumps: dict[JobWait, int] = {}
        """The numbers of the dumps that are not over."""

    def __iter__(self) -> Iterator[Deed]:
        return reversed(self._deeds.values())

    def __len__(self) -> int:
        return len(self._deeds)

    def add(self, subject: str, what: str, commands: Equivalent, result: str = "", tone: Tone = Tone.QUIET) -> int:
        """Something was done; its number."""
        self._number += 1
        self._deeds[self._number] = Deed(self._number, self._clock(), subject, what, commands, result, tone)
        while len(self._deeds) > MOST:
            del self._deeds[next(iter(self._deeds))]
        self._changed()
        return self._number

    def conclude(self, number: int, result: str, tone: Tone = Tone.PLAIN) -> None:
        """The result of one of them is known, or another one than before."""
        deed = self._deeds.get(number)
        if deed is not None and (deed.result, deed.tone) != (result, tone):
            self._deeds[number] = replace(deed, result=result, tone=tone)
            self._changed()

    def add_dump(self, dump: PlannedDump, commands: Equivalent) -> None:
        """A dump was requested; say what becomes of it with `follow`."""
        self._dumps[dump] = self.add(dump.name, f"dump → {dump.request.path}", commands, dump.stage)

    def follow(self, wait: JobWait) -> None:
        """Take over how far a dump is, or how it ended; nothing, if it is not one that was requested here."""
        number = self._dumps.get(wait)
        if number is None:
            return
        if wait.outcome is not None:
            self.conclude(number, str(wait.outcome.verdict), _TONES.get(wait.outcome.verdict, Tone.WARNING))
        elif wait.error is not None:
            self.conclude(number, wait.error.message, Tone.ERROR)
        elif wait.record is not None and wait.record.state is RecordState.FAILED:
            self.conclude(number, wait.record.error or "failed", Tone.ERROR)
        else:
            self.conclude(number, wait.stage or "running", Tone.QUIET)
        if wait.over:
            del self._dumps[wait]

    def leave(self, wait: JobWait) -> None:
        """Follow a dump no further, which continues: its host was dropped."""
        if (number := self._dumps.pop(wait, None)) is not None:
            self.conclude(number, "not followed: its host was dropped", Tone.WARNING)
