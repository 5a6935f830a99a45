"""Sorting: a command for each column, for the domains and for the history alike."""

from __future__ import annotations

from typing import ClassVar

from tui.commands.commands import Command


class SortBy(Command):
    """Sort by a column; again: the other way round."""

    in_footer = False
    column: ClassVar[str]
    """The id of the column."""


def _made(name: str, column: str, words: str) -> type[SortBy]:
    """The command that sorts by that column: they differ in nothing else."""
    about = f"Sort by {words}; again: the other way round."
    return type(f"SortBy{name}", (SortBy,), {"__doc__": about, "label": f"By {name.lower()}", "column": column})


_BY_HOST = _made("Host", "host", "host")
OF_DOMAINS: tuple[type[SortBy], ...] = (
    _made("Name", "name", "name"),
    _made("State", "state", "state"),
    _BY_HOST,
    _made("Job", "job", "job, problems first, as at first"),
    _made("Progress", "progress", "progress"),
    _made("Elapsed", "elapsed", "the time that jobs have taken"),
    _made("Done", "done", "what is done"),
    _made("Left", "left", "what remains"),
    _made("Rate", "rate", "rate"),
    _made("Eta", "eta", "the time until the end"),
)
OF_JOBS: tuple[type[SortBy], ...] = (
    _made("Began", "began", "when jobs began, the newest first, as at first"),
    _BY_HOST,
    _made("Domain", "domain", "domain"),
    _made("Kind", "job", "kind of job"),
    _made("Result", "result", "result"),
    _made("Took", "took", "the time that jobs took"),
    _made("Requester", "by", "who requested the job"),
    _made("Details", "details", "details"),
)
