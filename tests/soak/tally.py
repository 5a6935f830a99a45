"""What the soak counts, and the table that it ends with."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from backend.outcome import Evidence, Outcome, Verdict

WITNESS = "the witness"
"""Who remembers jobs without waiting for one."""


@dataclass
class Tally:
    """Counts of everything, and the whole story of each thing that is wrong."""

    began: float = field(default_factory=time.monotonic)
    dumps: Counter[str] = field(default_factory=Counter)
    """By who asked for them."""
    truths: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, Verdict]] = field(default_factory=Counter)
    """By what is true, and what was said."""
    evidence: Counter[str] = field(default_factory=Counter)
    unproven: Counter[str] = field(default_factory=Counter)
    """By who was told so, what is true, and why."""
    witnessed: Counter[Verdict] = field(default_factory=Counter)
    """By what the witnesses remember."""
    contradicted: int = 0
    """Those of the unproven ones of which a record that anybody can write says otherwise: most are forged here."""
    unknown: list[str] = field(default_factory=list)
    """The story of each job of which a witness does not know how it ended."""
    causes: Counter[str] = field(default_factory=Counter)
    """Of unproven verdicts, whoever was told so."""
    faults: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    """Waits and requests that ended in a typed error, by its kind."""
    wrong: list[str] = field(default_factory=list)

    @property
    def now(self) -> float:
        """Seconds since the soak began."""
        return time.monotonic() - self.began

    def mistake(self, what: str, story: Iterable[str] = ()) -> None:
        """Something is wrong: print it at once, with what led to it."""
        text = "\n".join([f"WRONG: {what}", *(f"    {line}" for line in story)])
        self.wrong.append(text)
        print(text, file=sys.stderr, flush=True)

    def verdict(self, who: str, truth: str, outcome: Outcome) -> None:
        self.verdicts[truth, outcome.verdict] += 1
        self.evidence[f"{outcome.verdict} ({outcome.evidence})"] += 1
        if who == WITNESS:
            self.witnessed[outcome.verdict] += 1
            self.contradicted += (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.SHARED)
        if outcome.verdict is Verdict.UNPROVEN:
            self.unproven[f"{who}, {truth}: {outcome.detail}"] += 1
            self.causes[outcome.detail] += 1

    def table(self) -> list[str]:
        lines = [f"{self.dumps.total()} dumps", *_counted(self.dumps)]
        lines += ["faults", *_counted(self.faults)]
        truths = sorted({truth for truth, _ in self.verdicts})
        lines.append(f"{'verdicts by truth':32}" + "".join(f"{verdict:>11}" for verdict in Verdict))
        lines += [
            f"  {truth:30}" + "".join(f"{self.verdicts[truth, verdict]:11}" for verdict in Verdict) for truth in truths
        ]
        said, unproven = self.verdicts.total(), self.unproven.total()
        lines += [f"unproven: {unproven} of {said} verdicts, {unproven / max(1, said):.1%}"]
        if witnessed := self.witnessed.total():
            unknown = self.witnessed[Verdict.UNPROVEN]
            lines.append(f"unproven by the witnesses: {unknown} of {witnessed} dumps, {unknown / witnessed:.1%}")
            unknown, witnessed = unknown - self.contradicted, max(1, witnessed - self.contradicted)
            lines.append(f"without contradictions by records: {unknown} of {witnessed}, {unknown / witnessed:.1%}")
        lines += ["by cause", *_counted(self.causes), "by who, truth and cause", *_counted(self.unproven)]
        lines += ["evidence", *_counted(self.evidence)]
        lines += ["ended in an error of its own", *_counted(self.errors)]
        return [*lines, f"wrong: {len(self.wrong)}"]


def _counted(counts: Counter[str]) -> list[str]:
    return [f"  {count:6}  {name}" for name, count in counts.most_common()]
