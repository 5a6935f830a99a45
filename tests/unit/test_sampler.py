"""How often, and how many at once, a backend is asked about jobs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise

import pytest

from backend.base import JobAnswer
from backend.errors import NoConnection, NotAnswering
from backend.job_stats import JobStats, JobType
from backend.model import DomainKey
from backend.observing.sampler import (
    CLOSING_INTERVAL,
    HURRIES,
    HURRY_WINDOW,
    LOOKS_PER_SECOND,
    MOST,
    NEAR_SHARE,
    sampler_of,
)
from backend.simulator import SimulatorBackend

PATIENCE = 20.0
STATS = JobStats(JobType.UNBOUNDED, memory_total=1000, memory_processed=0, memory_remaining=1000)
ENDING = JobStats(JobType.UNBOUNDED, memory_total=1000, memory_processed=1000, memory_remaining=0)
DOMAINS = [DomainKey(f"uuid-{number}", number, f"vm-{number}") for number in range(150)]


class Hypervisor(SimulatorBackend):
    """Answers at once, except for what hangs."""

    def __init__(self) -> None:
        super().__init__("sim:///sampler")
        self.looks: Counter[DomainKey] = Counter()
        self.most = 0
        self.hung: frozenset[DomainKey] = frozenset()
        self.ending: frozenset[DomainKey] = frozenset()
        self.released = asyncio.Event()
        self.asked = asyncio.Event()
        self.error: Exception | None = None

    async def jobs(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, JobAnswer], None] | None = None
    ) -> Mapping[DomainKey, JobAnswer]:
        keys = list(domains)
        self.looks.update(keys)
        self.asked.set()
        self.most = max(self.most, len(keys))
        if self.error is not None:
            raise self.error
        answers: dict[DomainKey, JobAnswer] = {}
        for key in sorted(keys, key=self.hung.__contains__):
            if key in self.hung:
                await self.released.wait()
                answers[key] = NotAnswering("hung")
            else:
                answers[key] = ENDING if key in self.ending else STATS
            if on_answer is not None:
                on_answer(key, answers[key])
        return answers


class Subscriber:
    def __init__(self, hypervisor: Hypervisor, domain: DomainKey, interval: float = 0.1) -> None:
        self.samples: list[tuple[JobAnswer | Exception, float]] = []
        self.arrived = asyncio.Event()
        self.follower = sampler_of(hypervisor).follow(domain, self._take, interval, to_the_end=True)

    def _take(self, answer: JobAnswer | Exception, sent: float) -> None:
        self.samples.append((answer, sent))
        self.arrived.set()

    async def sampled(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.samples) < times:
                self.arrived.clear()
                await self.arrived.wait()


@pytest.fixture
async def hypervisor() -> Hypervisor:
    return Hypervisor()


def close(*subscribers: Subscriber) -> None:
    for subscriber in subscribers:
        subscriber.follower.close()


async def test_who_follows_one_domain_shares_its_looks(hypervisor: Hypervisor) -> None:
    both = [Subscriber(hypervisor, DOMAINS[0]) for _ in range(2)]
    for subscriber in both:
        await subscriber.sampled(3)
    close(*both)
    assert both[0].samples == both[1].samples
    assert hypervisor.looks.total() <= len(both[0].samples) + 1


async def test_many_jobs_are_looked_at_within_the_budget(hypervisor: Hypervisor) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    subscribers = [Subscriber(hypervisor, domain) for domain in DOMAINS]
    for subscriber in subscribers:
        await subscriber.sampled(4)
    took = loop.time() - begun
    close(*subscribers)
    assert hypervisor.most <= MOST
    # Each is looked at at once before the budget counts.
    assert hypervisor.looks.total() <= len(DOMAINS) * 2 + LOOKS_PER_SECOND * took


async def test_a_job_near_its_end_is_looked_at_often_among_many(hypervisor: Hypervisor) -> None:
    hypervisor.ending = frozenset(DOMAINS[:1])
    subscribers = [Subscriber(hypervisor, domain) for domain in DOMAINS]
    ending = subscribers[0]
    await ending.sampled(30)
    sent = [sent for _, sent in ending.samples]
    close(*subscribers)
    assert min(late - early for early, late in pairwise(sent)) >= CLOSING_INTERVAL / 2
    assert len(ending.samples) > 2 * max(len(subscriber.samples) for subscriber in subscribers[1:])


async def test_who_is_patient_is_so_near_the_end_as_well_unless_somebody_else_is_not(hypervisor: Hypervisor) -> None:
    hypervisor.ending = frozenset(DOMAINS[:1])
    patient = Subscriber(hypervisor, DOMAINS[0], interval=2.0)
    await patient.sampled(4)
    sent = [sent for _, sent in patient.samples]
    assert min(late - early for early, late in pairwise(sent[1:])) >= 2.0 * NEAR_SHARE / 2
    demanding = Subscriber(hypervisor, DOMAINS[0])
    await demanding.sampled(10)
    asked = demanding.samples[-1][1] - demanding.samples[1][1]
    close(patient, demanding)
    assert asked < 8 * 2.0 * NEAR_SHARE


async def test_who_hurries_is_sampled_at_once(hypervisor: Hypervisor) -> None:
    subscriber = Subscriber(hypervisor, DOMAINS[0], interval=10 * PATIENCE)
    await subscriber.sampled(1)
    subscriber.follower.hurry()
    await subscriber.sampled(2)
    close(subscriber)


async def test_a_burst_of_events_makes_a_few_looks_of_which_one_comes_after_the_last(hypervisor: Hypervisor) -> None:
    loop = asyncio.get_running_loop()
    subscriber = Subscriber(hypervisor, DOMAINS[0], interval=10 * PATIENCE)
    await subscriber.sampled(1)
    begun = loop.time()
    for _ in range(100):
        subscriber.follower.hurry()
        for _ in range(10):  # Turns of the loop, in which a look is made and answered.
            await asyncio.sleep(0)
    assert len(subscriber.samples) >= HURRIES  # The first ones at once.
    last = loop.time()
    subscriber.follower.hurry()
    async with asyncio.timeout(PATIENCE):
        while subscriber.samples[-1][1] < last:
            await subscriber.sampled(len(subscriber.samples) + 1)
    close(subscriber)
    windows = 1 + int((loop.time() - begun) / HURRY_WINDOW)
    assert hypervisor.looks.total() <= 1 + HURRIES * (1 + windows)


async def test_a_domain_that_hangs_delays_nobody(hypervisor: Hypervisor) -> None:
    hypervisor.hung = frozenset(DOMAINS[:1])
    subscribers = [Subscriber(hypervisor, domain) for domain in DOMAINS[:10]]
    for subscriber in subscribers[1:]:
        await subscriber.sampled(5)
    assert not subscribers[0].samples
    assert hypervisor.looks[DOMAINS[0]] == 1  # It is not asked again until it has answered.
    hypervisor.released.set()
    await subscribers[0].sampled(1)
    close(*subscribers)
    assert isinstance(subscribers[0].samples[0][0], NotAnswering)


async def test_an_answer_to_an_earlier_look_is_not_for_who_came_later(hypervisor: Hypervisor) -> None:
    hypervisor.hung = frozenset(DOMAINS[:1])
    first = Subscriber(hypervisor, DOMAINS[0])
    await asyncio.wait_for(hypervisor.asked.wait(), PATIENCE)
    since = asyncio.get_running_loop().time()
    later = Subscriber(hypervisor, DOMAINS[0])  # Its job may be one that began after that look.
    hypervisor.released.set()
    await later.sampled(1)
    close(first, later)
    assert first.samples[0][1] <= since <= later.samples[0][1]
    assert len(first.samples) == len(later.samples) + 1


@pytest.mark.parametrize("error", [NoConnection("lost"), ZeroDivisionError()], ids=["lost", "a bug"])
async def test_an_error_reaches_everybody_and_the_looks_go_on(hypervisor: Hypervisor, error: Exception) -> None:
    hypervisor.error = error
    subscribers = [Subscriber(hypervisor, domain) for domain in DOMAINS[:3]]
    for subscriber in subscribers:
        await subscriber.sampled(1)
        assert subscriber.samples[0][0] is error
    hypervisor.error = None
    for subscriber in subscribers:
        await subscriber.sampled(len(subscriber.samples) + 2)
        assert subscriber.samples[-1][0] == STATS
    close(*subscribers)


async def test_when_nobody_follows_any_more_nothing_is_looked_at(hypervisor: Hypervisor) -> None:
    subscriber = Subscriber(hypervisor, DOMAINS[0])
    await subscriber.sampled(1)
    close(subscriber)
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others, timeout=PATIENCE)
    assert all(task.done() for task in others)
