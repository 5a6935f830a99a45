"""Looks at running jobs go on, however long their answers take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

import pytest

from backend.base import Backend, JobAnswer
from backend.model import DomainKey
from backend.observing import sampler
from backend.observing.sampler import Sampler

DOMAINS = [DomainKey(f"uuid-{number}", number, f"vm-{number}") for number in (1, 2)]
LIMIT = 30.0


class SlowBackend:
    """One whose answers wait for `answer`."""

    uri = "slow:///"

    def __init__(self) -> None:
        self.asked: asyncio.Queue[DomainKey] = asyncio.Queue()
        self.answers = {domain: asyncio.Event() for domain in DOMAINS}

    async def jobs(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, JobAnswer], None]
    ) -> dict[DomainKey, JobAnswer]:
        async def answer(domain: DomainKey) -> None:
            self.asked.put_nowait(domain)
            await self.answers[domain].wait()
            on_answer(domain, None)

        await asyncio.gather(*map(answer, domains))
        return dict.fromkeys(domains)


@pytest.mark.parametrize("hung", [[], DOMAINS[1:]], ids=["one domain", "another one hangs"])
async def test_a_job_is_looked_at_again_after_an_answer_that_nobody_waited_for(
    hung: list[DomainKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "PATIENCE", 0.0)
    backend = SlowBackend()
    looks = Sampler(cast(Backend, backend))
    answered: asyncio.Queue[object] = asyncio.Queue()
    followers = [looks.follow(domain, lambda *answer: answered.put_nowait(answer), 0.001) for domain in DOMAINS[:1]]
    followers += [looks.follow(domain, lambda *_: None, 0.001) for domain in hung]
    monkeypatch.setitem(sampler._SAMPLERS, cast(Backend, backend), looks)
    async with asyncio.timeout(LIMIT):
        for _ in followers:
            await backend.asked.get()
        for _ in range(10):  # Turns of the loop, after which the round is not waited for any more.
            await asyncio.sleep(0)
        backend.answers[DOMAINS[0]].set()
        await answered.get()
        assert await backend.asked.get() == DOMAINS[0]
    for follower in followers:
        follower.close()
