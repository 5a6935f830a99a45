"""Keeps the domains of one hypervisor and their jobs up to date.

Domains with a job are followed through the sampler. The others are looked at in sweeps: quick ones where the begin of a
job is not reported, slow ones where it is, since an event may be lost. Jobs of disks have slow sweeps of their own. The
list is read anew from time to time. All of these run concurrently, so that a slow one does not delay the others, and
take a bounded share of the hypervisor's time. An event makes the list due, and its domain is followed for a while.

Where a domain's state or its job has changed, both are read together before anything is shown. A domain whose job is
asked for in vain does not answer, whatever the list says of it, until that very question is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Set
from dataclasses import replace
from functools import partial
from math import inf

from backend.base import Backend, JobAnswer
from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain, NotAnswering
from backend.event_stream import EventStream
from backend.events import BlockJobEvent, ConnectionEvent, JobBegan, LifecycleEvent
from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState
from backend.observing.block_jobs import BlockJobs
from backend.observing.moments import Moments
from backend.observing.pace import Pace
from backend.observing.sampler import Follower, sampler_of
from backend.observing.views import Changes, DomainView, Views, kind
from backend.status import Status, StatusAnswer

INTERVAL = 0.25
"""Seconds between two looks at a domain that has a job."""
ATTENTION = 2.0
"""Seconds that a domain is followed as if it had a job, once the hypervisor reported an event of it."""
MANY = 100
"""Domains with a job beyond which those that are not on the screen are looked at less often; of domains without a job,
no more are followed because of events."""
SELDOM = 8
"""How many times less often."""
SLICE = 100
"""Jobs processed before other tasks of the event loop get a turn."""
SWEEP_INTERVAL = 0.85
"""Seconds, at the least, between two sweeps: 19 of 20 jobs that begin unheard are then found within a second."""
SAFETY_INTERVAL = 15.0
"""The same where begins are reported."""
BLOCK_INTERVAL = 2.0
"""Seconds between two sweeps of the jobs of disks, which take much longer than that, where begins are not reported."""
SWEEP_SHARE = 0.04
"""The part of the time that sweeps may take."""
LIST_INTERVAL = 2.0
"""Seconds between two listings, unless the hypervisor reports an event, or a domain that answered does so no more."""
QUIET_LIST_INTERVAL = 8.0
"""The same where begins are reported, and all domains answer: an event may be lost, and the memory of a guest change
without one."""
LIST_PAUSE = 0.1
"""Minimum seconds between two listings, whatever the hypervisor reports."""
LIST_SHARE = 0.01
"""The part of the time that listings may take."""
LONGEST_PAUSE = 5.0
"""Seconds that listings, and sweeps, are put off by their shares at the most."""
TOGETHER = 0.1
"""Seconds that a report waits for what belongs to it; a domain that does not answer delays it no longer."""


class Watcher:
    """Watches one open backend."""

    def __init__(
        self,
        backend: Backend,
        clock: Callable[[], float] = time.monotonic,
        list_interval: float = LIST_INTERVAL,
        sweep_interval: float = SWEEP_INTERVAL,
        found: Callable[[DomainKey, JobStats], object] = lambda key, stats: None,
    ) -> None:
        """`list_interval`: seconds between two listings, unless the hypervisor reports an event. `sweep_interval`: see
        SWEEP_INTERVAL.

        `found` is told at once of a job that was not there before: it may be over soon.
        """
        self._backend = backend
        self._clock = clock
        self._found = found
        self._views = Views(clock)
        self._moments = Moments(backend, self._take_status)
        self._sweeps = Pace(clock, sweep_interval, SWEEP_SHARE, LONGEST_PAUSE)
        self._safety = Pace(clock, SAFETY_INTERVAL, SWEEP_SHARE, LONGEST_PAUSE)
        self._block_sweeps = Pace(clock, BLOCK_INTERVAL, SWEEP_SHARE, LONGEST_PAUSE)
        self._block_looks = Pace(clock, inf, SWEEP_SHARE, LONGEST_PAUSE)
        self._block_news: set[str] = set()
        """The uuids of domains of which a job of a disk was reported to have begun."""
        self._block_jobs = BlockJobs(backend, clock, self._block_jobs_changed, self._silence)
        self._listings = Pace(clock, list_interval, LIST_SHARE, LONGEST_PAUSE, LIST_PAUSE)
        self._followers: dict[DomainKey, Follower] = {}
        """Of the domains that have a job, or of which the hypervisor reported an event lately."""
        self._attention: dict[DomainKey, float] = {}
        """Until when the latter are followed."""
        self._closely: Set[str] = frozenset()
        self._crowded = False
        self._report: Callable[[Changes], None] = lambda changes: None
        self._report_due: asyncio.Handle | None = None
        self._troubles: dict[Pace, BackendError] = {}
        """What went wrong when each was done last."""
        self._reported_state: tuple[bool, str] = (True, "")

    def watch_closely(self, uuids: Set[str], crowded: bool = False) -> None:
        """These domains are on the screen: of many jobs, theirs are looked at most often.

        `crowded`: there are many, with those of other hypervisors that the same process watches.
        """
        if (uuids, crowded) != (self._closely, self._crowded):
            self._closely, self._crowded = uuids, crowded
            self._adapt()

    async def run(self, report: Callable[[Changes], None]) -> None:
        """Watch until cancelled; `report` is called at once with all domains, then with what changes."""
        self._report = report
        try:
            async with self._backend.events() as events, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(events))
                tasks.create_task(self._keep(self._listings, self._list))
                tasks.create_task(self._keep(self._sweeps, self._sweep))
                tasks.create_task(self._keep(self._safety, self._sweep_all))
                tasks.create_task(self._keep(self._block_sweeps, self._sweep_block_jobs))
                tasks.create_task(self._keep(self._block_looks, self._look_at_news))
        finally:
            self._block_jobs.close()
            self._moments.close()
            for key in list(self._followers):
                self._unfollow(key)
            if self._report_due is not None:
                self._report_due.cancel()

    async def _keep(self, pace: Pace, do: Callable[[], Awaitable[None]]) -> None:
        """Do it again and again."""
        while True:
            await pace.turn()
            with pace:
                try:
                    await do()
                    self._troubles.pop(pace, None)
                except BackendError as error:
                    self._troubles[pace] = error
                    pace.unanswered()
            await self._moments.settled(TOGETHER)
            # The first list is reported even if there is nothing on it.
            self._report_changes(pace is self._listings and pace not in self._troubles)

    async def _list(self) -> None:
        domains = await self._backend.domains()
        answering = all(domain.answering for domain in domains)
        quiet = answering and self._views.all_answer and self._pushed
        self._listings.interval = QUIET_LIST_INTERVAL if quiet else LIST_INTERVAL
        if not answering:
            self._listings.unanswered()
        self._take_in(domains)
        now = self._clock()
        for key in [key for key, until in self._attention.items() if until <= now]:
            del self._attention[key]
            self._unfollow_idle(key)

    @property
    def _pushed(self) -> bool:
        """Whether the hypervisor reports the begins of jobs, but for the dumps of paused guests."""
        return self._backend.capabilities.begins is None

    async def _sweep(self) -> None:
        pushed, active = self._pushed, (view.domain for view in self._views if view.domain.active)
        due = [domain.key for domain in active if domain.state is DomainState.PAUSED or not pushed]
        await self._look_at([key for key in due if key not in self._followers], self._sweeps)

    async def _sweep_all(self) -> None:
        if self._pushed:
            active = self._views.active
            await self._look_at([key for key in active if key not in self._followers], self._safety)
            await self._look_at_disks(active)

    async def _sweep_block_jobs(self) -> None:
        if not self._pushed:
            await self._look_at_disks(self._views.active)

    async def _look_at_news(self) -> None:
        news, self._block_news = self._block_news, set()
        await self._look_at_disks([view.domain.key for uuid in news if (view := self._views.get(uuid)) is not None])

    async def _look_at_disks(self, keys: list[DomainKey]) -> None:
        if keys:
            self._block_jobs.learn(await self._backend.block_jobs(keys))

    def _block_jobs_changed(self, key: DomainKey) -> None:
        if (view := self._views.of(key)) is not None:
            self._views.show(replace(view, block_jobs=self._block_jobs.of(key)))
            self._report_soon()

    async def _look_at(self, keys: list[DomainKey], pace: Pace) -> None:
        """Look once at domains that nobody follows."""
        if not keys:
            return
        asked = asyncio.get_running_loop().time()
        answers = await self._backend.jobs(keys)
        for count, key in enumerate(keys, 1):
            answer = answers[key]
            if answer is None:
                continue  # Nearly always: the domain has no job, and had none.
            if isinstance(answer, NoConnection):
                raise answer
            if isinstance(answer, NotAnswering):
                pace.unanswered()
            # A sweep's answer may be older than the job that the sampler has seen by now.
            if key not in self._followers:
                self._learn(key, answer, asked)
            if count % SLICE == 0:
                await asyncio.sleep(0)

    def _follow(self, key: DomainKey) -> None:
        if key not in self._followers:
            take = partial(self._sampled, key)
            self._followers[key] = sampler_of(self._backend).follow(key, take, self._interval(key))
            if len(self._followers) == MANY + 1:
                self._adapt()

    def _unfollow(self, key: DomainKey) -> None:
        if (follower := self._followers.pop(key, None)) is not None:
            follower.close()
            if len(self._followers) == MANY:
                self._adapt()

    def _unfollow_idle(self, key: DomainKey) -> None:
        """Follow the domain no longer, unless it has a job, or does not answer."""
        if not (self._views.has_job(key) or self._views.is_silent(key)):
            self._unfollow(key)

    def _interval(self, key: DomainKey) -> float:
        many = self._crowded or len(self._followers) > MANY
        return INTERVAL * SELDOM if many and key.uuid not in self._closely else INTERVAL

    def _adapt(self) -> None:
        """Look as often as the number of jobs allows."""
        for key, follower in self._followers.items():
            follower.change(self._interval(key))

    def _sampled(self, key: DomainKey, answer: JobAnswer | Exception, sent: float) -> None:
        if isinstance(answer, Exception) and not isinstance(answer, BackendError):
            return  # The sampler has put it into the log.
        if not isinstance(answer, NoConnection):
            self._learn(key, answer, sent)
        if self._attention.get(key, 0.0) <= self._clock():
            self._attention.pop(key, None)
            self._unfollow_idle(key)
        self._report_soon()

    def _report_soon(self) -> None:
        if self._report_due is None and self._views.changed:
            # Answers come many at a time: they are reported together.
            self._report_due = asyncio.get_running_loop().call_soon(self._report_changes)

    def _attend(self, uuid: str, moved: bool) -> None:
        """Something happened to the domain: one of its jobs may have started or ended. `moved`: its state changed."""
        view = self._views.get(uuid)
        if view is None or not view.domain.active:
            return
        key = view.domain.key
        if moved:
            self._moments.ask(key)
        if (follower := self._followers.get(key)) is not None:
            follower.hurry()
        if len(self._attention) < MANY:
            self._attention[key] = self._clock() + ATTENTION
            self._follow(key)

    def _take_in(self, domains: list[Domain]) -> None:
        listed = {domain.key.uuid: domain for domain in domains}
        for uuid in self._views.uuids - listed.keys():
            self._forget(self._views.remove(uuid))
        for uuid, domain in listed.items():
            view = self._views.get(uuid)
            if self._views.is_silent(domain.key):
                domain = replace(domain, answering=False)
            # Most are the very object that was listed before, and comparing 10,000 of them by value takes its time.
            if view is None or (view.domain is not domain and view.domain != domain):
                self._take_listed(view, domain)

    def _take_listed(self, view: DomainView | None, domain: Domain) -> None:
        """The list has a domain that is new, or not what is known of it."""
        if view is None or view.domain.key != domain.key:
            self._begin_run(view, domain)
        elif domain.active and domain.answering and not view.domain.is_in_same_state(domain):
            self._moments.ask(domain.key)
        else:
            self._views.show(replace(view, domain=domain))
        if domain.active and not domain.answering:
            self._silence(domain.key)

    def _begin_run(self, before: DomainView | None, domain: Domain) -> None:
        """The domain is new, or was started or stopped since `before`."""
        if before is not None:
            self._forget(before.domain.key)
        self._views.show(DomainView(domain, job_known=not domain.paused_by))
        if domain.active:
            self._sweep_soon()
            if domain.paused_by and domain.answering:
                self._moments.ask(domain.key)

    def _sweep_soon(self) -> None:
        for pace in (self._sweeps, self._safety, self._block_sweeps):
            pace.hurry()

    def _forget(self, key: DomainKey) -> None:
        """That run of a domain is over."""
        self._views.forget(key)
        self._attention.pop(key, None)
        self._unfollow(key)
        self._block_jobs.forget(key)
        self._moments.forget(key)

    def _learn(self, key: DomainKey, answer: JobAnswer, asked: float) -> None:
        """What a look at the domain's job has found that was `asked` for then."""
        view = self._views.of(key)
        if view is None:
            return
        if isinstance(answer, NotAnswering):
            self._silence(key)
            return
        silent = self._views.is_silent(key)
        if isinstance(answer, BackendError) and not isinstance(answer, NoSuchDomain | DomainNotRunning):
            if silent:
                self._moments.ask(key)
            return  # It does not say whether there is a job: what was known last stands.
        stats = answer if isinstance(answer, JobStats) and answer.type is not JobType.NONE else None
        known = view.progress.stats if view.progress is not None else None
        if silent or not view.job_known or kind(stats) != kind(known):
            self._moments.ask(key)
            if stats is not None:
                self._found(key, self._views.note_job(key, stats, asked))
        elif stats is not None:
            self._views.show(self._views.show_job(view, stats, asked))

    def _take_status(self, key: DomainKey, answer: StatusAnswer, asked: float) -> None:
        """The state and the job of the domain at one moment."""
        if isinstance(answer, NotAnswering):
            self._silence(key)
        elif isinstance(answer, Status) and (view := self._views.of(key)) is not None:
            self._show_status(view, answer, asked)
        self._report_soon()

    def _show_status(self, view: DomainView, status: Status, asked: float) -> None:
        if status.domain.key != view.domain.key:
            self._begin_run(view, status.domain)
            view = DomainView(status.domain)
        domain = status.domain if status.domain != view.domain else view.domain
        self._views.answers(domain.key)
        view = replace(view, domain=domain, silent_since=None)
        if not isinstance(status.job, BackendError):
            if status.job is not None:
                self._follow(domain.key)
            view = self._views.show_job(view, status.job, asked)
        self._views.show(view)

    def _silence(self, key: DomainKey) -> None:
        """The domain does not answer; it is asked again and again until it does."""
        if (view := self._views.of(key)) is not None:
            self._views.silence(view)
            self._follow(key)
            self._report_soon()

    @property
    def _state(self) -> tuple[bool, str]:
        """Whether the hypervisor is connected, and the problem if there is one."""
        errors = list(self._troubles.values())
        lost = next((error for error in errors if isinstance(error, NoConnection)), None)
        worst = lost or next(iter(errors), None)
        return lost is None, worst.message if worst else ""

    def _report_changes(self, anyway: bool = False) -> None:
        self._report_due = None
        if anyway or self._views.changed or self._reported_state != self._state:
            self._reported_state = self._state
            self._report(self._views.take(*self._reported_state))

    async def _listen(self, events: EventStream) -> None:
        try:
            async for event in events:
                match event:
                    case JobBegan(domain, block=True):
                        self._block_news.add(domain.uuid)
                        self._block_looks.hurry()
                        continue
                    case BlockJobEvent(domain):
                        self._block_jobs.hurry(domain.uuid)
                        continue
                self._listings.hurry()
                if not isinstance(event, ConnectionEvent):
                    self._attend(event.domain.uuid, isinstance(event, LifecycleEvent))
                elif event.connected:
                    self._sweep_soon()
                else:
                    self._troubles[self._listings] = NoConnection(event.reason)
                    self._report_changes()  # It may be back before the next listing is answered.
        except BackendError as error:
            self._troubles[self._listings] = error
            self._listings.hurry()
