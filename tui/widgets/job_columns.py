"""The columns of the table of remembered jobs: what each shows, how jobs sort by it, and which are hidden first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.outcome import Verdict
from backend.text import clean
from backend.verdicts.job_sources import SourcedJob
from tui.session.past_jobs import SortValue, newest
from tui.session.rows import natural
from tui.words import past_jobs
from tui.words.cells import crop_path, fit, shorten

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
    text: Callable[[SourcedJob, str], str]
    """What it shows of a job of the host of that name."""
    value: SortValue
    style: Callable[[SourcedJob], str] = lambda job: ""
    right: bool = False
    descending: bool = False
    """Whether the largest value sorts first."""
    stretch: int = 0
    """Cells that it can use beyond its width."""
    rank: int = 0
    """The column with the highest rank is hidden first; 0 never is."""

    def piece(self, job: SourcedJob, host: str, cells: int) -> Piece:
        """What it shows, in exactly that many cells."""
        text = self.text(job, host)
        if self.id == "details" and text == past_jobs.path(job):
            text = crop_path(text, cells)
        if self.id in ("host", "domain", "by"):
            text = shorten(text, cells)
        return fit(text, cells, self.right), self.style(job)


def result_style(job: SourcedJob) -> str:
    """The style of its result."""
    verdict = job.entry.verdict or (Verdict.UNPROVEN if job.lost else None)
    return STYLES[verdict] if verdict is not None else ""


def _details(job: SourcedJob, host: str) -> str:
    return past_jobs.reason(job) or past_jobs.path(job)


BEGAN = "began"
COLUMNS = (
    JobColumn(BEGAN, "Began", 14, lambda job, host: past_jobs.began(job), newest, lambda job: _MUTED, descending=True),
    JobColumn("host", "Host", 12, lambda job, host: clean(host), lambda job: natural(job.entry.uri),
              lambda job: _MUTED, stretch=14, rank=3),
    JobColumn("domain", "Domain", 12, lambda job, host: clean(job.entry.domain),
              lambda job: natural(job.entry.domain), stretch=16),
    JobColumn("job", "Job", 13, lambda job, host: past_jobs.name(job), past_jobs.name, lambda job: "$accent",
              stretch=7),
    JobColumn("result", "Result", 11, lambda job, host: past_jobs.result(job), lambda job: job.word, result_style),
    JobColumn("took", "Took", 7, lambda job, host: past_jobs.took(job), lambda job: job.seconds, right=True,
              descending=True, rank=2),
    JobColumn("by", "By", 12, lambda job, host: clean(job.requester), lambda job: job.requester.casefold() or None,
              lambda job: _MUTED, stretch=12, rank=5),
    JobColumn("details", "Details", 12, _details, lambda job: _details(job, "").casefold() or None,
              stretch=200, rank=4),
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
