"""What really became of a dump, told by what no waiter decides: its call's own return, its file, QEMU's own status."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from backend.outcome import Verdict


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a dump when all is quiet."""

    path: str
    returned: Verdict | None
    """What its call returned to whoever made it; None where they were killed, or lost their connection."""
    whole: bool
    """Whether there is a file at its path, written since it was asked for, in which nothing is missing."""
    qemu: str = ""
    """QEMU's own word on its last dump: ``completed`` or ``failed``; empty where it has none, or is gone."""
    aborted: bool = False
    """Whether somebody asked for that."""
    began: bool = True
    """Whether it was ever seen under way."""
    said: str = ""
    """The words of its call's error."""

    @property
    def truths(self) -> frozenset[Verdict]:
        """The verdicts that are no lie, but for unproven; none where nobody can tell any more."""
        # That somebody else's dump was aborted nothing may tell: libvirt removes its file as after any failure.
        failed = frozenset({Verdict.FAILED, *([Verdict.CANCELLED] if self.aborted else [])})
        match self.returned:
            case Verdict.COMPLETED:
                return frozenset({Verdict.COMPLETED})
            case Verdict.CANCELLED:
                return frozenset({Verdict.CANCELLED, Verdict.FAILED})
            case Verdict.FAILED:
                return failed
        if not self.began:
            return frozenset()
        return frozenset({Verdict.COMPLETED}) if self.whole and self.qemu != "failed" else failed

    @property
    def contradiction(self) -> str:
        """Why these cannot all be true; empty: they can."""
        if self.returned is Verdict.COMPLETED and not self.whole:
            return "its call returned success, and its file is not whole"
        if self.returned is Verdict.FAILED and self.whole and self.qemu == "completed":
            return "its call returned an error, and its file is whole"
        return ""


def lies(verdict: Verdict, path: str | None, dumps: Collection[Facts]) -> str:
    """Why a verdict is wrong that is about one of `dumps`, all that it can be about; empty: it is not.

    `path` is the file that the verdict names.
    """
    meant = [facts for facts in dumps if path in (None, facts.path)]
    if not meant:
        return "it names the file of no dump that it can be about"
    truths = frozenset[Verdict]().union(*(facts.truths for facts in meant))
    if verdict is Verdict.UNPROVEN or verdict in truths or not all(facts.truths for facts in meant):
        return ""
    return f"the truth is {' or '.join(sorted(truths))}"
