"""The columns of the table of remembered jobs: what each shows, how jobs sort by it, and which are hidden first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.observing.remembered import Remembered
from backend.outcome import Verdict
from backend.text import clean
from tui.session.past_jobs import SortValue, newest
from tui.session.rows import natural
from tui.words.cells import crop_path, fit, shorten
from tui.words.remembered import began, describe, result, took

Piece = tuple[str, str]
"""Text, and its style."""
GAP = 1
"""Cells between two columns."""
STYLES = {
    Verdict.COMPLETED: "$success",
    Verdict.FAILED: "$error",
    Verdict.CANCELLED: "$warning",
    Verdict.UNPROVEN: "$warning",
}
_MUTED = "$foreground-muted"


DETAILS_WORTH = 30
"""Cells of the last column that take precedence over what others can use beyond their width."""


@dataclass(frozen=True, slots=True)
class JobColumn:
    id: str
    title: str
    width: int
    """Cells that it needs."""
    text: Callable[[Remembered, str], str]
    """What it shows of a job of the host of that name."""
    value: SortValue
    style: Callable[[Remembered], str] = lambda job: ""
    right: bool = False
    descending: bool = False
    """Whether the largest value sorts first."""
    stretch: int = 0
    """Cells that it can use beyond its width."""
    rank: int = 0
    """The column with the highest rank is hidden first; 0 never is."""

    def piece(self, job: Remembered, host: str, cells: int) -> Piece:
        """What it shows, in exactly that many cells."""
        text = self.text(job, host)
        if self.id == "details" and text == describe(job).path:
            text = crop_path(text, cells)
        if self.id in ("host", "domain", "by"):
            text = shorten(text, cells)
        return fit(text, cells, self.right), self.style(job)


def result_style(job: Remembered) -> str:
    """The style of its result."""
    return STYLES[job.verdict] if job.verdict is not None else "$warning" if job.failed else ""


BEGAN = "began"
COLUMNS = (
    JobColumn(BEGAN, "Began", 14, lambda job, host: began(job), newest, lambda job: _MUTED, descending=True),
    JobColumn("host", "Host", 12, lambda job, host: clean(host), lambda job: natural(job.uri),
              lambda job: _MUTED, stretch=14, rank=3),
    JobColumn("domain", "Domain", 12, lambda job, host: clean(job.domain),
              lambda job: natural(job.domain), stretch=16),
    JobColumn("job", "Job", 13, lambda job, host: describe(job).name, lambda job: describe(job).name,
              lambda job: "$accent", stretch=7),
    JobColumn("result", "Result", 11, lambda job, host: result(job), lambda job: job.word, result_style),
    JobColumn("took", "Took", 7, lambda job, host: took(job), lambda job: job.seconds, right=True,
              descending=True, rank=2),
    JobColumn("by", "By", 12, lambda job, host: clean(job.requester), lambda job: job.requester.casefold() or None,
              lambda job: _MUTED, stretch=12, rank=5),
    JobColumn("details", "Details", 12, lambda job, host: describe(job).details,
              lambda job: describe(job).details.casefold() or None, stretch=200, rank=4),
)  # fmt: skip


def fitting(cells: int, longest: Mapping[str, int], several_hosts: bool) -> list[tuple[JobColumn, int]]:
    """The columns that have room in so many cells, and how wide each is. `longest`: those of its texts."""
    shown = [column for column in COLUMNS if several_hosts or column.id != "host"]
    while len(shown) > 2 and _total(shown) > cells:
        shown.remove(max(shown, key=lambda column: column.rank))
    widths = {column.id: column.width for column in shown}
    spare = cells - _total(shown)
    # The details are worth some cells more than whole names; the others get what they need, and the details the rest.
    for column, most in [*((column, DETAILS_WORTH) for column in shown[-1:]), *((column, cells) for column in shown)]:
        needed = longest.get(column.id, column.width + column.stretch)
        taken = max(0, min(spare, min(column.width + column.stretch, needed, most) - widths[column.id]))
        widths[column.id] += taken
        spare -= taken
    return [(column, widths[column.id]) for column in shown]


def _total(columns: Sequence[JobColumn]) -> int:
    return sum(column.width + GAP for column in columns) - GAP
