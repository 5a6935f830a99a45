"""Calls with deadlines, over connections that are opened as they are needed and written off when they hang."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from backend.base import Traffic
from backend.errors import BackendError, NoConnection, NotAnswering
from backend.libvirt.connection.batch import Batch, ErrorOf, Part
from backend.libvirt.connection.connect import connect, disconnect
from backend.libvirt.connection.connection import Call, Connection, Subject, name_of
from backend.libvirt.connection.watch import Watch
from backend.libvirt.errors import typed
from backend.text import clean
from backend.threads import Worker

logger = logging.getLogger(__name__)

DEADLINE = 5.0
"""Seconds that one call, or opening a connection, may take."""
SWEEP_DEADLINE = 2.0
"""The same for queries to many domains at once, so that those that answer do not wait long for those that do not."""
PATIENCE = 0.1
"""Seconds after which a slow call does not hold up the calls behind it any more: they get another connection."""
MOST_CONNECTIONS = 10
"""Connections at once. Each may have a stuck call on it, and the daemon has twenty workers for everybody."""
MANY_STUCK = 4
"""Stuck calls beyond which domains that may hang too are skipped, except one now and then."""
TRY_INTERVAL = 30.0
"""Seconds from a call beyond those that got stuck to the next one."""
SPARE_CONNECTIONS = 2
"""Connections that are kept while idle."""
SHARED = 10
"""Calls in a sweep from which on two threads share them: while one is served, the other makes something of its answer.
100 calls to libvirt 9.0 take a quarter to a third less time then, and as much CPU as before."""
SPARE_INTERVAL = 5.0
"""Seconds that a pool has been open until a second connection is worth its while, and between two tries to get one."""
_CLOSE_DEADLINE = 1.0

T = TypeVar("T")


class Pool:
    """Calls to one daemon. A domain whose call is stuck gets no other call until that one returns."""

    def __init__(
        self,
        uri: str,
        readonly: bool,
        traffic: Traffic,
        watch: Watch | None = None,
        on_lost: Callable[[str], None] | None = None,
        error_of: ErrorOf = lambda subject, error: typed(error),
    ) -> None:
        """Where there is a `watch`, its connection is the pool's life: when it is lost, so is the pool, until `reopen`.

        `on_lost` is told why. A pool without a watch is never lost: a call opens a new connection when there is none.
        `error_of`: the error that the caller gets for one of libvirt.
        """
        self._uri = uri
        self._readonly = readonly
        self._traffic = traffic
        self._watch = watch
        self._on_lost = on_lost
        self._error_of = error_of
        self._connections: set[Connection] = set()
        self._free: list[Connection] = []
        self._changed = asyncio.Event()
        self._leaving: set[Connection] = set()
        self._doubted: set[str] = set()
        self._next_try = float("-inf")
        self._opening: asyncio.Future[Connection] | None = None
        self._refused: BaseException | None = None
        self._closing: set[asyncio.Future[None]] = set()
        self._down = ""
        self._closed = False
        self._spare_due = float("inf")
        """When to open a connection for a second thread, if there is none."""

    def revive(self) -> None:
        """Let calls open connections again, after `close`. An attempt that still hangs is the one to be waited for."""
        self._closed, self._down = False, ""

    async def reopen(self) -> None:
        """Connect. NoConnection, or why it was refused."""
        self._give_back(await self._take(DEADLINE))
        self._down = ""
        self._spare_due = time.monotonic() + SPARE_INTERVAL

    def check(self) -> None:
        """NoConnection while the pool is lost."""
        if self._down:
            raise NoConnection(f"no connection to {clean(self._uri)}: {self._down}")

    def drop(self) -> None:
        """Let go of every connection; of one that has a call inside, as soon as that returns."""
        self._free.clear()
        for connection in list(self._connections):
            self._leave(connection)
        self._changed.set()

    async def close(self) -> None:
        """`drop`, and open nothing more."""
        self._closed = True
        self._down = "it was closed"
        self.drop()
        if self._closing:
            await asyncio.wait(self._closing, timeout=_CLOSE_DEADLINE)

    @property
    def stuck(self) -> set[Subject]:
        """What is not answered for at present."""
        return {connection.stuck for connection in self._connections | self._leaving if connection.stuck is not None}

    def forget(self, uuid: str) -> None:
        """Look the domain up again before the next call: it was started or stopped."""
        self._doubted.discard(uuid)
        for connection in self._connections:
            connection.handles.pop(uuid, None)

    def doubt(self, uuid: str) -> None:
        """Be careful with the domain, until it answers: it may be about to hang."""
        self._doubted.add(uuid)

    async def call(self, subject: Subject, call: Call[T], deadline: float = DEADLINE) -> T:
        """What one call returns. NotAnswering after `deadline` seconds, NoConnection, or the call's own typed error."""
        result = (await self.sweep({subject: call}, deadline))[subject]
        if isinstance(result, BackendError):
            raise result
        return result

    async def sweep(
        self,
        calls: Mapping[Subject, Call[T]],
        deadline: float = SWEEP_DEADLINE,
        on_answer: Callable[[Subject, T | BackendError], None] | None = None,
    ) -> dict[Subject, T | BackendError]:
        """What many calls return, each its result or its error. `deadline` is for each of them.

        `on_answer` gets each as soon as it is there, at the latest `PATIENCE` seconds after it. One connection makes a
        few calls; two share many. Others take over where those stay in a call.
        """
        self.check()
        stuck = self.stuck
        certain: dict[Subject, Call[T]] = {}
        doubtful: dict[Subject, Call[T]] = {}
        for subject, call in calls.items():
            if subject not in stuck:
                (doubtful if _uuid(subject) in self._doubted else certain)[subject] = call
        most = MANY_STUCK if time.monotonic() < self._next_try else max(MANY_STUCK, len(stuck) + 1)
        batch = Batch(certain, doubtful, lambda: self._slow < most, self._error_of)
        if batch.todo:
            begun = time.monotonic()
            await self._run(batch, deadline, len(certain) >= SHARED, on_answer)
            self._traffic.answered(len(batch.answers), time.monotonic() - begun)
        if doubtful and len(self.stuck) > max(MANY_STUCK, len(stuck)):
            self._next_try = time.monotonic() + TRY_INTERVAL
        answers: dict[Subject, T | BackendError] = {}
        for subject in calls:
            if subject in batch.answers:
                answers[subject] = batch.answers[subject]
                if not isinstance(answers[subject], NotAnswering):
                    self._doubted.discard(_uuid(subject))
            else:
                answers[subject] = batch.lost or NotAnswering(_no_answer(subject, deadline, subject in stuck))
                if on_answer is not None:
                    on_answer(subject, answers[subject])
        return answers

    @property
    def _slow(self) -> int:
        """How many calls have not returned for a while, given up or not (in any thread)."""
        now = time.monotonic()
        parts = [connection.part for connection in (*self._connections, *self._leaving)]
        return sum(part is not None and part.age(now) >= PATIENCE for part in parts)

    async def _run(
        self,
        batch: Batch[T],
        deadline: float,
        many: bool,
        on_answer: Callable[[Subject, T | BackendError], None] | None,
    ) -> None:
        try:
            self._join(batch, await self._take(DEADLINE))
            if many:
                self._share(batch)
            while active := batch.active:
                now = time.monotonic()
                ages = [part.age(now) for part in active]
                look = deadline - max(ages)
                if on_answer is not None or (batch.todo and min(ages) < PATIENCE):
                    look = min(look, PATIENCE)
                await asyncio.wait([part.future for part in active], timeout=max(0.001, look))
                _hand_on(batch, on_answer)
                now = time.monotonic()
                for part in active:
                    part.write_off(deadline, now)
                if batch.todo and not batch.lost and all(part.age(now) >= PATIENCE for part in batch.active):
                    self._join(batch, await self._take(deadline))
        except NotAnswering as error:  # A call that no thread took counts as unanswered.
            logger.debug("no connection beside the busy ones: %s", error)
        finally:
            batch.stop()
        _hand_on(batch, on_answer)
        for part in batch.parts:
            if part.future.done():
                part.future.result()

    def _share(self, batch: Batch[T]) -> None:
        """Let a second thread take part, if there is a connection for it; else see to one for the next sweep."""
        if self._free:
            self._join(batch, self._free.pop(0))
        elif len(self._connections) < SPARE_CONNECTIONS and (now := time.monotonic()) >= self._spare_due:
            self._spare_due = now + SPARE_INTERVAL
            self._open()

    def _join(self, batch: Batch[T], connection: Connection) -> None:
        part = batch.share(connection)
        part.future.add_done_callback(lambda _: self._left(part, connection))

    def _left(self, part: Part[T], connection: Connection) -> None:
        connection.part = None
        if part.broken is not None:
            self._lost(connection, part.broken.message)
        self._give_back(connection)

    async def _take(self, within: float) -> Connection:
        """A connection with no call inside: one that is or soon becomes free, else a new one."""
        clock = asyncio.get_running_loop().time
        until = clock() + within
        soon = any(connection.stuck is None for connection in self._connections)
        patient_until = clock() + (PATIENCE if soon else 0.0)
        self._refused = None
        while not self._free:
            if self._refused is not None and not self._connections:
                raise self._refused
            now = clock()
            if now >= until:
                raise self._nothing_free(within)
            if now >= patient_until and len(self._connections) < MOST_CONNECTIONS and self._refused is None:
                self._open()
            self._changed.clear()
            try:
                async with asyncio.timeout_at(patient_until if now < patient_until else until):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return self._free.pop(0)

    def _nothing_free(self, within: float) -> BackendError:
        if self._connections:
            return NotAnswering(f"{clean(self._uri)}: no answer to earlier calls within {within:g} s")
        return NoConnection(f"cannot connect to {clean(self._uri)}: no answer within {within:g} s; is its libvirtd up?")

    def _open(self) -> None:
        # One attempt at a time: all who need a connection wait for one that hangs, they do not add to it.
        if self._opening is None:
            watch = self._watch if not any(connection.watched for connection in self._connections) else None
            thread = Worker("libvirt connection")
            self._opening = thread.call(partial(_opened, self._uri, self._readonly, watch, thread))
            self._opening.add_done_callback(self._has_opened)

    def _has_opened(self, opening: asyncio.Future[Connection]) -> None:
        self._opening = None
        self._refused = opening.exception()
        if self._refused is None:
            self._connections.add(opening.result())
            self._give_back(opening.result())
            if self._closed:  # It took longer than its pool lived.
                self.drop()
        self._changed.set()

    def lost(self, conn: object, reason: str) -> None:
        """Say that a connection broke."""
        for connection in [connection for connection in self._connections if connection.conn is conn]:
            self._lost(connection, reason)

    def _lost(self, connection: Connection, reason: str) -> None:
        if connection not in self._connections:
            return
        if not connection.watched and self._watch is not None:
            self._leave(connection)
            return
        self._refused = NoConnection(f"no connection to {clean(self._uri)}: {reason}")
        self.drop()
        if self._on_lost is not None:
            self._down = reason
            self._on_lost(reason)

    def _give_back(self, connection: Connection) -> None:
        if connection in self._leaving:
            self._close(connection)
        elif connection not in self._connections:
            pass  # Its last user has left, and it is being closed.
        elif connection.watched:
            self._free.insert(0, connection)
        elif len(self._free) < SPARE_CONNECTIONS:
            self._free.append(connection)
        else:
            self._leave(connection)
        self._changed.set()

    def _leave(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._leaving.add(connection)
        if connection.part is None:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._leaving.discard(connection)
        watch = self._watch if connection.watched else None
        assert connection.thread is not None
        closing = connection.thread.call(partial(_closed, connection, watch))
        connection.thread.stop()
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def _opened(uri: str, readonly: bool, watch: Watch | None, thread: Worker) -> Connection:
    try:
        conn = connect(uri, readonly)
    except BaseException:
        thread.stop()
        raise
    if watch is not None:
        watch.register(conn, readonly)
    return Connection(conn, watch is not None, thread)


def _hand_on(batch: Batch[T], on_answer: Callable[[Subject, T | BackendError], None] | None) -> None:
    while batch.fresh:
        subject = batch.fresh.popleft()
        if on_answer is not None:
            on_answer(subject, batch.answers[subject])


def _closed(connection: Connection, watch: Watch | None) -> None:
    if watch is not None:
        watch.deregister(connection.conn)
    connection.handles.clear()  # Each of them would keep the connection open.
    disconnect(connection.conn)


def _uuid(subject: Subject) -> str:
    return subject if isinstance(subject, str) else subject.uuid


def _no_answer(subject: Subject, deadline: float, known: bool) -> str:
    name = name_of(subject)
    return f"{name}: still no answer to an earlier call" if known else f"{name}: no answer within {deadline:g} s"
