"""The one place where a backend's running jobs are polled: in bulk, within one budget, for everybody who follows them.

Nothing reports how far a job is, so it has to be looked at again and again. The watcher and all waits on a backend
share these looks. A job is looked at as often as the most demanding of its followers asks for, more often when the
end of its job is near, and at once when something happened to it. Where there are too many of them, all are looked at
less often, those whose job is about to end last.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field
from operator import itemgetter
from types import TracebackType
from typing import Protocol, Self
from weakref import WeakKeyDictionary

from backend.base import Backend, JobAnswer
from backend.errors import BackendError, NoConnection, NotAnswering
from backend.job_stats import JobStats
from backend.model import JobKey

logger = logging.getLogger(__name__)

CLOSING_INTERVAL = 0.03
"""Seconds between two looks when a job's end is near: nothing reports that its file is closed."""
NEAR_SHARE = 0.1
"""The same as a part of the seconds that who wants to know the end has asked for: who is patient is so then, too."""
LOOKS_PER_SECOND = 600
"""The most looks at one backend's jobs, but for those that an event asks for; half are kept for jobs near their end."""
BUSY_SHARE = 0.25
"""The part of the time that looks at many jobs may take."""
LONGEST_REST = 1.0
"""Seconds for which many jobs are left alone because of that, at the most."""
MANY = 10
"""Looks together that are a load for the hypervisor; a single one costs only its latency."""
MOST = 100
"""Looks together, so that others who share the event loop have their turn between their answers."""
PATIENCE = 0.1
"""Seconds after which looks that are not answered hold up no others."""
HURRIES, HURRY_WINDOW = 5, 0.1
"""Looks at one domain, within so many seconds, that events cause at the most; a burst of more makes them no more."""
KEPT = 500
"""Looks that are kept for those who look at a job too late."""
_TOGETHER = 0.01
"""Seconds by which a look may be early, so that it is made together with others."""


class Take(Protocol):
    """Gets an answer, and when it was asked for (the event loop's clock).

    An exception that is no BackendError is a fault of the program; nothing more can be learned of the job.
    """

    def __call__(self, answer: JobAnswer | Exception, sent: float, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a job that was there. Times are the event loop's clock, in seconds."""

    key: JobKey
    stats: JobStats
    sent: float
    answered: float


class Follower:
    """A subscription to one job; close it, or leave its ``with`` block, to end it."""

    def __init__(self, sampler: Sampler, key: JobKey, take: Take, interval: float, to_the_end: bool) -> None:
        self.key = key
        self.take = take
        self.interval = interval
        """Seconds between two answers, while the budget allows that."""
        self.to_the_end = to_the_end
        """Whether it wants to know the job's end as soon as possible."""
        self.since = asyncio.get_running_loop().time()
        """When it began: what was asked for earlier may be older than what it was begun for."""
        self._sampler = sampler

    def hurry(self) -> None:
        """Look again at once: something happened to the job or its domain."""
        self._sampler.hurry(self.key)

    def change(self, interval: float) -> None:
        """Ask for answers more or less often."""
        if interval < self.interval:
            self.hurry()
        self.interval = interval

    def close(self) -> None:
        """Take no more answers."""
        self._sampler.leave(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(slots=True)
class _Followed:
    """A job that is followed, and when it is looked at next."""

    followers: list[Follower] = field(default_factory=list)
    due: float = float("-inf")
    pending: bool = False
    """Whether a look has not been answered yet."""
    hurried: bool = False
    """Whether it has to be looked at again, as the answer on its way may be older than what happened."""
    hurries: deque[float] = field(default_factory=lambda: deque(maxlen=HURRIES))
    """When it was looked at for that reason lately."""
    near: bool = False
    """Whether its job's end is near, and somebody wants to know it."""
    last: tuple[JobStats, float] | None = None


class Sampler:
    """Looks at the jobs of one backend, for as long as anybody follows any of them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._clock = asyncio.get_running_loop().time
        self._followed: dict[JobKey, _Followed] = {}
        self._woken = asyncio.Event()
        self._rounds: set[asyncio.Task[None]] = set()
        self._looks = _LOOKS.setdefault(backend, deque(maxlen=KEPT))
        self._rest_until = float("-inf")
        self._task = asyncio.create_task(self._run())

    def follow(self, key: JobKey, take: Take, interval: float, to_the_end: bool = False) -> Follower:
        """Give `take` each answer about the job to a look from now on; the first one is at once."""
        follower = Follower(self, key, take, interval, to_the_end)
        self._followed.setdefault(key, _Followed()).followers.append(follower)
        self.hurry(key)
        return follower

    def leave(self, follower: Follower) -> None:
        """Take no more answers for it."""
        followed = self._followed.get(follower.key)
        if followed is None or follower not in followed.followers:
            return
        followed.followers.remove(follower)
        if not followed.followers:
            del self._followed[follower.key]
        if not self._followed:
            del _SAMPLERS[self._backend]
            for task in (self._task, *self._rounds - {asyncio.current_task()}):
                task.cancel()

    def hurry(self, key: JobKey) -> None:
        """Look at the job as soon as no other look at it is on its way, and a burst of events allows."""
        if (followed := self._followed.get(key)) is not None:
            followed.hurried = True
            self._woken.set()

    async def _run(self) -> None:
        while True:
            now = self._clock()
            self._woken.clear()
            due = [
                (at, key)
                for key, followed in self._followed.items()
                if not followed.pending and (at := self._due(followed)) <= now + _TOGETHER
            ]
            if due:
                due.sort(key=itemgetter(0))
                await asyncio.wait({self._begin([key for _, key in due[:MOST]])}, timeout=PATIENCE)
                continue
            earliest = min(
                (self._due(followed) for followed in self._followed.values() if not followed.pending), default=None
            )
            try:
                async with asyncio.timeout_at(earliest):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _begin(self, keys: list[JobKey]) -> asyncio.Task[None]:
        # Now, not in the task: somebody may leave before that begins.
        for key in keys:
            followed = self._followed[key]
            if followed.hurried:
                followed.hurries.append(self._clock())
            followed.pending, followed.hurried = True, False
        task = asyncio.create_task(self._look(keys))
        self._rounds.add(task)
        task.add_done_callback(self._rounds.discard)
        return task

    def _due(self, followed: _Followed) -> float:
        due = followed.due if followed.near else max(followed.due, self._rest_until)
        if followed.hurried:
            burst = len(followed.hurries) == HURRIES
            due = min(due, followed.hurries[0] + HURRY_WINDOW if burst else float("-inf"))
        return due

    async def _look(self, keys: list[JobKey]) -> None:
        """One round: all answers go to the followers of their domains."""
        sent = self._clock()
        urgent, usual = self._stretch()
        waiting = set(keys)
        answered = True

        def on_answer(key: JobKey, answer: JobAnswer | Exception) -> None:
            nonlocal answered
            waiting.discard(key)
            answered &= not isinstance(answer, NotAnswering)
            if (followed := self._followed.get(key)) is not None:
                self._take(followed, answer, sent, urgent, usual)

        try:
            await self._backend.jobs(keys, on_answer)
        except Exception as error:
            if not isinstance(error, BackendError):
                logger.exception("looking at jobs of %s", self._backend.uri)
            for key in list(waiting):
                on_answer(key, error)
        finally:
            for key in waiting & self._followed.keys():
                self._followed[key].pending = False
            self._woken.set()
        cost = self._clock() - sent
        if len(keys) >= MANY and answered:
            self._rest_until = self._clock() + min(cost / BUSY_SHARE - cost, LONGEST_REST)

    def _take(
        self, followed: _Followed, answer: JobAnswer | Exception, sent: float, urgent: float, usual: float
    ) -> None:
        interval = min(follower.interval for follower in followed.followers) * usual
        stats = answer if isinstance(answer, JobStats) else None
        silent = isinstance(answer, NoConnection | NotAnswering)
        followed.near = any(follower.to_the_end for follower in followed.followers) and (
            not silent if stats is None else stats.closing or _seconds_left(followed.last, stats, sent) < interval
        )
        followed.last = (stats, sent) if stats is not None else None
        if stats is not None:
            self._looks.append(Look(followed.followers[0].key, stats, sent, self._clock()))
        followed.pending = False
        # If the answer took long, the loop no longer waits for its round.
        self._woken.set()
        now = self._clock()
        if followed.near:
            eager = min(follower.interval for follower in followed.followers if follower.to_the_end)
            followed.due = now + max(CLOSING_INTERVAL * urgent, eager * NEAR_SHARE)
        else:
            followed.due = now + interval
        for follower in tuple(followed.followers):
            if sent >= follower.since:
                follower.take(answer, sent)

    def _stretch(self) -> tuple[float, float]:
        """How many times longer than requested the intervals are: for jobs near their end, and for the others."""
        near = sum(followed.near for followed in self._followed.values()) / CLOSING_INTERVAL
        urgent = max(1.0, near / (LOOKS_PER_SECOND / 2))
        others = sum(
            1 / min(follower.interval for follower in followed.followers)
            for followed in self._followed.values()
            if not followed.near
        )
        return urgent, max(1.0, others / (LOOKS_PER_SECOND - near / urgent))


_SAMPLERS: dict[Backend, Sampler] = {}
"""One for each backend that is followed at present."""


_LOOKS: WeakKeyDictionary[Backend, deque[Look]] = WeakKeyDictionary()
"""The latest looks at each backend that found a job, oldest first."""


def look_with(backend: Backend, key: JobKey, stats: JobStats) -> Look | None:
    """The look at the job that found these stats; None if that was not lately."""
    looks = (look for look in reversed(_LOOKS.get(backend, ())) if look.key == key and look.stats == stats)
    return next(looks, None)


def sampler_of(backend: Backend) -> Sampler:
    """The sampler that all followers of `backend` share."""
    if backend not in _SAMPLERS:
        _SAMPLERS[backend] = Sampler(backend)
    return _SAMPLERS[backend]


def _seconds_left(before: tuple[JobStats, float] | None, stats: JobStats, at: float) -> float:
    """Until the job has done what is left, at the pace since the sample before; 0 where nothing is left."""
    if stats.total <= 0:
        return float("inf")
    if stats.remaining <= 0:
        return 0.0
    if before is None or at <= before[1]:
        return float("inf")
    pace = (before[0].remaining - stats.remaining) / (at - before[1])
    return stats.remaining / pace if pace > 0 else float("inf")
