"""Calls with deadlines, over one connection at a time that is opened anew when it is lost or clogged."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from backend.errors import BackendError, NoConnection, NotAnswering
from backend.libvirt.link import Call, Crew, Link, Member, Subject
from backend.libvirt.threads import in_thread
from backend.text import clean

DEADLINE = 5.0
"""Seconds that one call may take."""
SWEEP_DEADLINE = 2.0
"""The same where many domains are asked at once: those that answer are not to wait long for those that do not."""
PATIENCE = 0.1
"""Seconds after which a slow call does not hold up the calls behind it any more."""
CLOGGED = 2
"""Stuck calls on one connection that make it worth a new one."""
STUCK_LIMIT = 10
"""Stuck calls in all after which no new connection is opened for them: the daemon has twenty workers for everybody."""
_CLOSE_DEADLINE = 1.0

T = TypeVar("T")
Connect = Callable[[Callable[[Any, str], None]], Any]
"""Opens a virConnect (blocking), and sees to it that the given function is told when it is lost, in any thread."""


class Lane:
    """One line of calls to a daemon. A domain whose call is stuck is not asked again until that call returns."""

    def __init__(
        self,
        uri: str,
        connect: Connect,
        disconnect: Callable[[Any], None],
        on_lost: Callable[[str], None] | None = None,
    ) -> None:
        """`on_lost` makes a lost connection stay lost until `reopen`; without it the next call opens a new one."""
        self._uri = uri
        self._connect = connect
        self._disconnect = disconnect
        self._on_lost = on_lost
        self._link: Link | None = None
        self._opening: asyncio.Future[Any] | None = None
        self._opening_until = 0.0
        self._retired: set[Link] = set()
        self._closing: set[asyncio.Future[None]] = set()
        self._down = ""
        self._closed = False

    async def reopen(self) -> None:
        """Connect. NoConnection (or what `connect` raised) where that takes longer than the deadline."""
        if self._link is None:
            await self._open()
        self._down = ""

    def check(self) -> None:
        """NoConnection while the connection is lost."""
        if self._down:
            raise NoConnection(f"no connection to {clean(self._uri)}: {self._down}")

    async def close(self) -> None:
        """Let go of every connection; of one that still has a call inside, as soon as that returns."""
        self._down = "it was closed"
        self._closed = True
        self._retire()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSE_DEADLINE)

    @property
    def stuck(self) -> set[Subject]:
        """What is not answered for at present."""
        links = {self._link, *self._retired} if self._link else self._retired
        return {subject for link in links for subject in link.stuck}

    def forget(self, uuid: str) -> None:
        """Look the domain up again before the next call: it was started or stopped."""
        if self._link is not None:
            self._link.handles.pop(uuid, None)

    async def call(self, subject: Subject, call: Call[T], deadline: float = DEADLINE) -> T:
        """What one call returns. NotAnswering after `deadline` seconds, NoConnection, or the call's own typed error."""
        result = (await self.sweep({subject: call}, deadline))[subject]
        if isinstance(result, BackendError):
            raise result
        return result

    async def sweep(
        self, calls: Mapping[Subject, Call[T]], deadline: float = SWEEP_DEADLINE
    ) -> dict[Subject, T | BackendError]:
        """What many calls return, each its result or its error. `deadline` is for each of them.

        One thread makes them all, and another takes over where it stays in one.
        """
        stuck = self.stuck
        asked = {subject: call for subject, call in calls.items() if subject not in stuck}
        done: dict[Subject, T | BackendError] = {}
        if asked:
            link = await self._usable()
            done = await self._crewed(link, asked, deadline)
            self._check(link, done)
        return {
            subject: done[subject] if subject in done else NotAnswering(_no_answer(subject, deadline, subject in stuck))
            for subject in calls
        }

    async def _crewed(
        self, link: Link, calls: Mapping[Subject, Call[T]], deadline: float
    ) -> dict[Subject, T | BackendError]:
        crew: Crew[T] = Crew(link, calls)
        try:
            async with asyncio.timeout(deadline):
                await link.slots.acquire()
        except TimeoutError:
            return {}
        crew.add_member()
        try:
            while active := [member for member in crew.members if not (member.future.done() or member.stuck)]:
                await asyncio.wait([member.future for member in active], timeout=_next_look(crew, active, deadline))
                now = time.monotonic()
                for member in active:
                    member.write_off(deadline, now)
                if crew.todo and not link.slots.locked() and all(member.age(now) >= PATIENCE for member in active):
                    await link.slots.acquire()
                    crew.add_member()
        finally:
            crew.todo.clear()
        for member in crew.members:
            if member.future.done():
                member.future.result()
        return dict(crew.done)

    def _check(self, link: Link, done: Mapping[Subject, object]) -> None:
        """Take a broken line for lost, even if libvirt has not said so yet, or never does."""
        broken = next((result for result in done.values() if isinstance(result, NoConnection)), None)
        if broken is not None:
            self._lost(link.conn, broken.message)

    async def _usable(self) -> Link:
        self.check()
        link = self._link
        if link is None or (len(link.stuck) >= CLOGGED and len(self.stuck) < STUCK_LIMIT):
            link = await self._open()
        return link

    async def _open(self) -> Link:
        # One attempt at a time: one that hangs is waited for, not joined by others.
        opening = self._opening
        if opening is None:
            loop = asyncio.get_running_loop()

            def lost(conn: Any, reason: str) -> None:
                with contextlib.suppress(RuntimeError):  # The event loop is closed: nobody is left to tell.
                    loop.call_soon_threadsafe(self._lost, conn, reason)

            opening = self._opening = in_thread(partial(self._connect, lost), "libvirt connection")
            self._opening_until = time.monotonic() + DEADLINE
            opening.add_done_callback(self._opened)
        await asyncio.wait([opening], timeout=max(0.0, self._opening_until - time.monotonic()))
        if not opening.done():
            raise NoConnection(
                f"cannot connect to {clean(self._uri)}: no answer within {DEADLINE:g} s; is its libvirtd up?"
            )
        opening.result()
        if self._link is None:
            raise NoConnection(
                f"no connection to {clean(self._uri)}: {self._down or 'it was lost as soon as it was made'}"
            )
        return self._link

    def _opened(self, opening: asyncio.Future[Any]) -> None:
        self._opening = None
        if opening.cancelled() or opening.exception():
            return
        self._retire()
        self._link = Link(opening.result())
        if self._closed:
            self._retire()

    def _lost(self, conn: Any, reason: str) -> None:
        if self._link is None or self._link.conn is not conn:
            return
        self._retire()
        if self._on_lost is not None:
            self._down = reason
            self._on_lost(reason)

    def _retire(self) -> None:
        """Use the present connection no more, and close it once no call is inside."""
        link, self._link = self._link, None
        if link is None:
            return
        self._retired.add(link)
        for member in link.members:
            member.future.add_done_callback(lambda _: self._close_idle(link))
        self._close_idle(link)

    def _close_idle(self, link: Link) -> None:
        if not link.members and link in self._retired:
            self._retired.discard(link)
            closing = in_thread(partial(self._disconnect, link.conn), "libvirt disconnection")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


def _next_look(crew: Crew[Any], active: list[Member[Any]], deadline: float) -> float:
    """Seconds until one of the members that are at work may have been too long in one call."""
    now = time.monotonic()
    ages = [member.age(now) for member in active]
    look = deadline - max(ages)
    if crew.todo and min(ages) < PATIENCE:
        look = min(look, PATIENCE)
    return max(0.001, look)


def _no_answer(subject: Subject, deadline: float, known: bool) -> str:
    name = subject if isinstance(subject, str) else subject.name
    return f"{name}: still no answer to an earlier call" if known else f"{name}: no answer within {deadline:g} s"
