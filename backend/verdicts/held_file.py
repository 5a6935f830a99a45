"""The file of a dump, held open, and what it proves of how that very dump ended."""

from __future__ import annotations

from backend.files.dumpfile import DumpFile
from backend.outcome import Evidence, Verdict
from backend.verdicts.ledger import Sign
from backend.verdicts.observations import FileChecked, FileHeld
from backend.verdicts.phase import EVENT_LAG
from backend.verdicts.samples import Samples

UNREADABLE_GRACE = 5.0
"""Seconds for which reading it is tried again where that fails."""


class HeldFile:
    """It proves nothing until it is identified as the job's own. Times are the caller's monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.checked: FileChecked | None = None
        """What it was when it was last looked at."""
        self.awaited = False
        """Whether it has yet to be looked at after the job's end."""
        self.foreign = False
        """Whether the domain was being dumped to another file than this job's record names."""
        self._trouble = ""
        """Why it could not be read at the last attempt."""
        self._failing_since = 0.0
        self._held: FileHeld | None = None
        self._own = False
        self._written_at = 0.0
        self._created_at: float | None = None
        self._final = False
        """Whether it was looked at since the job was known to be over."""

    @property
    def content(self) -> DumpFile | None:
        """What was in it when it was last looked at."""
        return self.checked.content if self.checked is not None else None

    @property
    def complete(self) -> bool:
        """Whether it is whole, and still has a name after the job's end."""
        return self.final is not None and bool(self.final.content.whole) and self.final.linked

    @property
    def final(self) -> FileChecked | None:
        """What it was when it was last looked at, if that was after the job's end."""
        return self.checked if self._final else None

    def is_stream_of_before(self, samples: Samples) -> bool:
        """Whether it is a raw dump, and may have been there before its job began.

        QEMU may have written the whole stream and let itself be aborted all the same, and libvirt removes only the
        files that it has created (seen on libvirt 9.0.0: one of a hundred aborted dumps is whole).
        """
        if self.content is None or not self.content.is_stream:
            return False
        return self._created_at is None or not samples.begun_by(self._created_at)

    def job_ended(self) -> None:
        """What it was before says nothing of the end."""
        self._final = False

    def hold(self, held: FileHeld, samples: Samples) -> None:
        """A file is held that the domain was being dumped to at those times."""
        self._held = held
        self.recognize(samples)

    def recognize(self, samples: Samples) -> None:
        """No domain has two dumps at a time: what was written to while this one was running is its own."""
        held = self._held
        if self._own or held is None:
            return
        by_look = held.seen is not None and samples.taken_between(*held.seen)
        # By the time that has elapsed of it, a job may seem older than it is: the file of an earlier one is over.
        if by_look or _is_reported(held, samples) or (not held.over and samples.going_on(held.since)):
            self._own = self.awaited = True

    @property
    def silence(self) -> str:
        """Why it says nothing although it was held, in one sentence; empty if that is not so."""
        if self._trouble:
            return f"Its file could not be checked: {self._trouble}."
        return "Its file was not read in time." if self.awaited else ""

    def fail(self, reason: str, now: float) -> None:
        """It could not be read. Storage that goes on failing is not waited for as long as storage that is slow."""
        if not self._trouble:
            self._failing_since = now
        self._trouble = reason
        if now - self._failing_since >= UNREADABLE_GRACE:
            self.awaited = False

    def check(self, checked: FileChecked, now: float, successor: float | None) -> bool:
        """Whether its present state says anything, given when the job that followed began."""
        self._trouble = ""
        written_at = now - checked.untouched
        if successor is not None and written_at > successor:
            self.awaited = False  # The other job writes to it: its state before that is lost.
        elif self._own:
            self.checked, self._written_at, self._final = checked, written_at, True
            self._created_at = checked.asked - checked.age if checked.age is not None else None
            return True
        return False

    def discard(self) -> None:
        """It is another job's, and the one that was sampled may be that one."""
        self.foreign = True
        self._held, self._own, self.awaited = None, False, False

    def disown(self, successor: float) -> None:
        """Forget its state, if the job that followed had already written to it by then."""
        if self._written_at > successor:
            self.checked = None


def _is_reported(held: FileHeld, samples: Samples) -> bool:
    """Whether the only end that was reported since the file's writer began is that of this job, and of its dump to that
    file: each job leaves a report, so one that was over before would have left another."""
    if held.reported is None or held.seen is None:
        return False
    first, last = held.seen
    return first <= held.reported <= last + EVENT_LAG and (samples.last is None or samples.sent >= first)


def complete_file(connected: bool, now: float) -> Sign:
    """The proof by a complete file."""
    paused = "" if connected else "; without a connection, nobody can say whether its domain was left paused"
    return Sign(now, Evidence.FILE, Verdict.COMPLETED, f"Its file is whole{paused}.")


def incomplete_file(checked: FileChecked, *, last_word: bool, final: bool, now: float) -> Sign | None:
    """The proof by a file that is not whole, if there is one.

    One that was removed proves the failure once nothing better will come (`last_word`), one that is still there once
    its present state is `final`.
    """
    if checked.content.whole is not False:
        return None
    if not checked.linked and last_word:
        detail = "Its file was removed unfinished, as after a dump that failed or was aborted."
        return Sign(now, Evidence.FILE, Verdict.FAILED, detail)
    if final:
        return Sign(now, Evidence.FILE, Verdict.FAILED, f"Its file is not whole: {checked.content.detail}")
    return None
