"""The file of a dump, held open, as a witness of how that very dump ended."""

from __future__ import annotations

from backend.files.dumpfile import DumpFile
from backend.verdicts.observations import FileChecked
from backend.verdicts.samples import Samples


class HeldFile:
    """It says nothing until it is known to be the job's own. Times are the caller's monotonic clock, in seconds."""

    def __init__(self) -> None:
        self.checked: FileChecked | None = None
        """What it was when it was looked at last."""
        self.awaited = False
        """Whether it has yet to be looked at after the job's end."""
        self._since: float | None = None
        self._own = False
        self._written_at = 0.0

    @property
    def found(self) -> DumpFile | None:
        """What there was in it."""
        return self.checked.found if self.checked is not None else None

    def hold(self, since: float, samples: Samples) -> None:
        """A file is held that the domain was dumped to at that time."""
        self._since = since
        self.recognize(samples)

    def recognize(self, samples: Samples) -> None:
        """No domain has two dumps at a time: what was written to while this one went on is its own."""
        if not self._own and self._since is not None and samples.going_on(self._since):
            self._own = self.awaited = True

    def check(self, checked: FileChecked, now: float, successor: float | None) -> bool:
        """Whether what it is now says something, in the light of when the job that followed began."""
        written_at = now - checked.untouched
        if successor is not None and written_at > successor:
            self.awaited = False  # That job writes to it: what it was before, nobody can tell any more.
        elif self._own:
            self.checked, self._written_at = checked, written_at
            return True
        return False

    def disown(self, successor: float) -> None:
        """Forget what it was, if it was found when the job that followed had written to it already."""
        if self._written_at > successor:
            self.checked = None
