"""What the console's signs, words and colours mean."""

from __future__ import annotations

from backend.outcome import Verdict
from tui.session.host import Link
from tui.widgets.job_columns import STYLES
from tui.widgets.row_painter import CURSOR, MARK
from tui.widgets.status_line import DOTS
from tui.words.outcomes import SYMBOLS
from tui.words.remembered import RUNNING

_VERDICTS = {
    Verdict.COMPLETED: "completed: there is proof",
    Verdict.FAILED: "failed",
    Verdict.CANCELLED: "cancelled",
    Verdict.UNPROVEN: "unproven: it is over, and nobody can prove how it ended",
}
_LINKS = {
    Link.UP: "a connected host",
    Link.CONNECTING: "a host being connected",
    Link.DOWN: "a host without connection",
}

LEGEND: tuple[tuple[str, str, str], ...] = (
    (CURSOR, "the cursor", "bold $accent"),
    (MARK, "marked: the next command is for all that are marked", "bold $accent"),
    (RUNNING, "a job that is running", "$foreground"),
    *((SYMBOLS[verdict], words, STYLES[verdict]) for verdict, words in _VERDICTS.items()),
    *((sign, _LINKS[link], style) for link, (sign, style) in DOTS.items()),
    ("└ vda", "the job of a disk", ""),
    ("▉▉░░ 42 %", "how far the job is", "$primary"),
    ("~0:12", "an estimate", ""),
    ("?running", "the last known state: the host is unreachable", "$foreground-muted"),
    ("(claimed)", "a shared record says so, which others could have written", ""),
    ("apparently", "the command line of a program says so", ""),
    ("green", "running, or completed", "$success"),
    ("yellow", "paused, cancelled or unproven; left paused; stalled", "$warning"),
    ("red", "a fault: crashed, I/O error, failed, no answer", "bold $error"),
    ("SIMULATED", "nothing real happens on that host", "bold reverse $warning"),
    ("read-only", "nothing can be changed on that host", "bold reverse $secondary"),
    ("slow terminal", "changes are shown less often", "bold reverse $secondary"),
)
"""Each with its meaning and its style."""
