"""A domain's state and its job are asked for together, once for each change, and one that is slow delays no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

from backend.base import Backend
from backend.errors import NoConnection, NotAnswering
from backend.model import Domain, DomainKey, DomainState
from backend.observing.moments import Moments
from backend.status import Status, StatusAnswer

FIRST, SECOND = (DomainKey(f"uuid-{number}", number, f"vm-{number}") for number in (1, 2))
LIMIT = 10.0


class FakeBackend:
    """Answers for a domain when `let` is told so."""

    uri = "fake:///"

    def __init__(self) -> None:
        self.asked: list[list[DomainKey]] = []
        self.lost = False
        self._answers: dict[DomainKey, asyncio.Future[StatusAnswer]] = {}

    def let(self, key: DomainKey, answer: StatusAnswer | None = None) -> None:
        self._answer(key).set_result(answer or Status(Domain(key, DomainState.RUNNING), None))

    async def statuses(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, StatusAnswer], None]
    ) -> dict[DomainKey, StatusAnswer]:
        keys = list(domains)
        self.asked.append(keys)
        if self.lost:
            raise NoConnection("lost")

        async def ask(key: DomainKey) -> None:
            answer = await self._answer(key)
            del self._answers[key]
            on_answer(key, answer)

        await asyncio.gather(*map(ask, keys))
        return {}

    def _answer(self, key: DomainKey) -> asyncio.Future[StatusAnswer]:
        return self._answers.setdefault(key, asyncio.get_running_loop().create_future())


class Answers:
    """What was answered."""

    def __init__(self) -> None:
        self.got: list[tuple[DomainKey, StatusAnswer]] = []
        self._news = asyncio.Event()

    def __call__(self, key: DomainKey, answer: StatusAnswer, asked: float) -> None:
        self.got.append((key, answer))
        self._news.set()

    async def are(self, number: int) -> None:
        async with asyncio.timeout(LIMIT):
            while len(self.got) < number:
                self._news.clear()
                await self._news.wait()


def moments() -> tuple[Moments, FakeBackend, Answers]:
    backend, answers = FakeBackend(), Answers()
    return Moments(cast(Backend, backend), answers), backend, answers


async def test_what_changes_at_one_time_is_asked_for_together_and_once() -> None:
    asking, backend, answers = moments()
    for key in (FIRST, SECOND, FIRST):
        asking.ask(key)
    backend.let(FIRST)
    backend.let(SECOND)
    await answers.are(2)
    assert [sorted(keys, key=lambda key: key.uuid) for keys in backend.asked] == [[FIRST, SECOND]]


async def test_what_changes_while_it_is_asked_for_is_asked_for_again() -> None:
    asking, backend, answers = moments()
    asking.ask(FIRST)
    await asking.settled(0.001)
    asking.ask(FIRST)
    backend.let(FIRST)
    await answers.are(1)
    backend.let(FIRST)
    await answers.are(2)
    assert backend.asked == [[FIRST], [FIRST]]


async def test_one_that_does_not_answer_delays_no_other() -> None:
    asking, backend, answers = moments()
    asking.ask(FIRST)
    await asking.settled(0.001)
    asking.ask(SECOND)
    backend.let(SECOND)
    await answers.are(1)
    assert answers.got[0][0] == SECOND
    backend.let(FIRST, NotAnswering("no answer"))
    await answers.are(2)
    assert isinstance(answers.got[1][1], NotAnswering)


async def test_without_a_connection_it_can_be_asked_for_later() -> None:
    asking, backend, answers = moments()
    backend.lost = True
    asking.ask(FIRST)
    await asking.settled(LIMIT)
    backend.lost = False
    asking.ask(FIRST)
    backend.let(FIRST)
    await answers.are(1)
    assert len(backend.asked) == 2


async def test_a_run_that_is_over_is_not_asked_for_again() -> None:
    asking, backend, answers = moments()
    asking.ask(FIRST)
    await asking.settled(0.001)
    asking.ask(FIRST)
    asking.forget(FIRST)
    backend.let(FIRST)
    await answers.are(1)
    await asking.settled(0.001)
    assert backend.asked == [[FIRST]]
    asking.close()
