"""Sorting: a command for each column, for the domains and for the history alike."""

from __future__ import annotations

from typing import ClassVar

from tui.commands.commands import Command


class SortBy(Command):
    """Sort by a column; again: the other way round."""

    in_footer = False
    column: ClassVar[str]
    """The id of the column."""


class SortByName(SortBy):
    """Sort by name; again: the other way round."""

    label = "By name"
    column = "name"


class SortByState(SortBy):
    """Sort by state; again: the other way round."""

    label = "By state"
    column = "state"


class SortByHost(SortBy):
    """Sort by host; again: the other way round."""

    label = "By host"
    column = "host"


class SortByJob(SortBy):
    """Sort by job, problems first, as at first; again: the other way round."""

    label = "By job"
    column = "job"


class SortByProgress(SortBy):
    """Sort by progress; again: the other way round."""

    label = "By progress"
    column = "progress"


class SortByElapsed(SortBy):
    """Sort by the time that jobs have taken; again: the other way round."""

    label = "By elapsed"
    column = "elapsed"


class SortByDone(SortBy):
    """Sort by what is done; again: the other way round."""

    label = "By done"
    column = "done"


class SortByLeft(SortBy):
    """Sort by what remains; again: the other way round."""

    label = "By left"
    column = "left"


class SortByRate(SortBy):
    """Sort by rate; again: the other way round."""

    label = "By rate"
    column = "rate"


class SortByEta(SortBy):
    """Sort by the time until the end; again: the other way round."""

    label = "By ETA"
    column = "eta"


OF_DOMAINS: tuple[type[SortBy], ...] = (
    SortByName,
    SortByState,
    SortByHost,
    SortByJob,
    SortByProgress,
    SortByElapsed,
    SortByDone,
    SortByLeft,
    SortByRate,
    SortByEta,
)


class SortByBegan(SortBy):
    """Sort by when jobs began, the newest first, as at first; again: the other way round."""

    label = "By began"
    column = "began"


class SortByDomain(SortBy):
    """Sort by domain; again: the other way round."""

    label = "By domain"
    column = "domain"


class SortByKind(SortBy):
    """Sort by kind of job; again: the other way round."""

    label = "By job"
    column = "job"


class SortByResult(SortBy):
    """Sort by result; again: the other way round."""

    label = "By result"
    column = "result"


class SortByTook(SortBy):
    """Sort by the time that jobs took; again: the other way round."""

    label = "By took"
    column = "took"


class SortByRequester(SortBy):
    """Sort by who requested the job; again: the other way round."""

    label = "By requester"
    column = "by"


class SortByDetails(SortBy):
    """Sort by details; again: the other way round."""

    label = "By details"
    column = "details"


OF_JOBS: tuple[type[SortBy], ...] = (
    SortByBegan,
    SortByHost,
    SortByDomain,
    SortByKind,
    SortByResult,
    SortByTook,
    SortByRequester,
    SortByDetails,
)
