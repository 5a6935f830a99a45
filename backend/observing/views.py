"""What is known of the domains of one hypervisor and of their jobs, and what of it has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from backend.job_stats import JobStats
from backend.model import Domain, DomainKey, Operation
from backend.observing.progress import Progress, ProgressMeter


@dataclass(frozen=True, slots=True)
class DomainView:
    """A domain, and where its job and those of its disks stand: its state and its own job are of the same moment.

    Of a domain that does not answer, all of it is what was known last.
    """

    domain: Domain
    progress: Progress | None = None
    """Of the domain's own job; None without one."""
    block_jobs: tuple[Progress, ...] = ()
    """In the order of the disks."""
    job_known: bool = True
    """False while the hypervisor has not said yet whether the domain has a job of its own."""
    silent_since: float | None = None
    """Since when it is known not to answer (seconds since the epoch); None while it does."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different since the last report."""

    changed: tuple[DomainView, ...]
    removed: tuple[str, ...]
    """The uuids of domains that are no more."""
    connected: bool
    reason: str
    """Why there is no connection."""
    news: bool = True
    """Whether more changed than how far jobs are: one began, ended or became ready, or a domain is in another state."""


@dataclass(frozen=True, slots=True)
class _Metered:
    """A job, as it was last seen."""

    stats: JobStats
    meter: ProgressMeter
    at: float
    """When these stats were taken in; the event loop's clock."""

    def is_later_than(self, stats: JobStats) -> bool:
        """Whether it has got further, if both are of the same job."""
        return stats.operation == self.stats.operation and fell_back(stats, self.stats)


class Views:
    """The views of all domains. `clock` is that of progress; `wall`: seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._wall = wall
        self._views: dict[str, DomainView] = {}
        self._meters: dict[DomainKey, _Metered] = {}
        self._silent: set[DomainKey] = set()
        self._changed: dict[str, DomainView] = {}
        self._removed: list[str] = []
        self._news = False

    def __iter__(self) -> Iterator[DomainView]:
        return iter(self._views.values())

    @property
    def uuids(self) -> set[str]:
        return set(self._views)

    def get(self, uuid: str) -> DomainView | None:
        return self._views.get(uuid)

    def of(self, key: DomainKey) -> DomainView | None:
        """That of this very run of the domain."""
        view = self._views.get(key.uuid)
        return view if view is not None and view.domain.key == key else None

    @property
    def active(self) -> list[DomainKey]:
        """The domains that are not off."""
        return [view.domain.key for view in self if view.domain.active]

    @property
    def all_answer(self) -> bool:
        return not self._silent

    def is_silent(self, key: DomainKey) -> bool:
        """Whether that run of the domain does not answer."""
        return key in self._silent

    def has_job(self, key: DomainKey) -> bool:
        """Whether it has a job of its own, as far as it has answered."""
        return key in self._meters

    def show(self, view: DomainView) -> None:
        """This is known now."""
        uuid = view.domain.key.uuid
        self._news = self._news or _is_news(self._views.get(uuid), view)
        self._views[uuid] = self._changed[uuid] = view

    def note_job(self, key: DomainKey, stats: JobStats, asked: float) -> JobStats:
        """How far the job is that was `asked` for then (the event loop's clock), before it is shown.

        Of two answers that were under way at the same time, the older one may be taken in last.
        """
        known = self._meters.get(key)
        if known is not None and asked < known.at and known.is_later_than(stats):
            return known.stats
        meter = ProgressMeter() if known is None or is_other(stats, known.stats) else known.meter
        self._meters[key] = _Metered(stats, meter, asyncio.get_running_loop().time())
        return stats

    def show_job(self, view: DomainView, stats: JobStats | None, asked: float) -> DomainView:
        """The view with that job, or without one."""
        key = view.domain.key
        if stats is None:
            self._meters.pop(key, None)
            return replace(view, progress=None, job_known=True)
        stats = self.note_job(key, stats, asked)
        return replace(view, progress=self._meters[key].meter.update(stats, self._clock()), job_known=True)

    def silence(self, view: DomainView) -> None:
        """The domain does not answer: all of this was known last."""
        self._silent.add(view.domain.key)
        if view.silent_since is None or view.domain.answering:
            domain = replace(view.domain, answering=False)
            self.show(replace(view, domain=domain, silent_since=view.silent_since or self._wall()))

    def answers(self, key: DomainKey) -> None:
        """The domain answers."""
        self._silent.discard(key)

    def forget(self, key: DomainKey) -> None:
        """That run of a domain is over."""
        self._meters.pop(key, None)
        self._silent.discard(key)

    def remove(self, uuid: str) -> DomainKey:
        """The domain is no more; the run that is over."""
        key = self._views.pop(uuid).domain.key
        self._changed.pop(uuid, None)
        self._removed.append(uuid)
        return key

    @property
    def changed(self) -> bool:
        """Whether anything has since `take`."""
        return bool(self._changed or self._removed)

    def take(self, connected: bool, reason: str) -> Changes:
        """What has changed since the last call."""
        news = self._news or bool(self._removed)
        changes = Changes(tuple(self._changed.values()), tuple(self._removed), connected, reason, news)
        self._changed, self._removed, self._news = {}, [], False
        return changes


def is_other(stats: JobStats, last: JobStats) -> bool:
    """Whether these can only be the stats of another job of the domain than `last`, which was seen before."""
    return stats.operation != last.operation or stats.time_elapsed < last.time_elapsed


def fell_back(stats: JobStats, last: JobStats) -> bool:
    """Whether a job with these stats has not got as far as `last`, or is another one."""
    return is_other(stats, last) or (last.closing and not stats.closing)


def kind(stats: JobStats | None) -> tuple[Operation, bool | None] | None:
    """What is news of a job, if it changes."""
    return None if stats is None else (stats.operation, stats.ready)


def _is_news(before: DomainView | None, view: DomainView) -> bool:
    """Whether more changed than how far its jobs are."""
    return (
        before is None
        or before.domain is not view.domain
        or before.job_known is not view.job_known
        or _kind(before.progress) != _kind(view.progress)
        or (
            before.block_jobs is not view.block_jobs
            and [*map(_kind, before.block_jobs)] != [*map(_kind, view.block_jobs)]
        )
    )


def _kind(job: Progress | None) -> tuple[Operation, bool | None] | None:
    return kind(job.stats) if job is not None else None
