"""Runs blocking calls in daemon threads, so that a call that never returns blocks neither the loop nor the exit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


def in_thread(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call `function` in a new daemon thread named `name`; the future gets its result or its error.

    Must be called in a running event loop. A caller may stop waiting at any time (a deadline, a cancellation). Such an
    abandoned call keeps its thread until it returns; its late result or error is discarded.
    """
    call = _Call(function)
    threading.Thread(target=call.run, name=name, daemon=True).start()
    return call.future


class Worker:
    """A daemon thread that makes one call after the other, in the order in which they were requested, until `stop`."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def call(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Call `function` in the thread. The future is that of `in_thread`; one cancelled in time makes no call."""
        call = _Call(function)
        self._calls.put(call)
        return call.future

    def stop(self) -> None:
        """End the thread after the calls that were requested."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            call = None  # So that a waiting thread does not keep the last call's objects alive.


class _Call:
    """A function that one thread calls, for a future in the event loop of another."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()
        self.future.add_done_callback(_mark_retrieved)

    def run(self) -> None:
        if self.future.cancelled():
            return
        deliver: Callable[[Any], None]
        value: Any
        try:
            value, deliver = self._function(), self.future.set_result
        except BaseException as error:
            value, deliver = error, self.future.set_exception
        with contextlib.suppress(RuntimeError):  # The event loop is closed; nobody waits for the result.
            self._loop.call_soon_threadsafe(_deliver, self.future, deliver, value)


def _deliver(future: asyncio.Future[Any], deliver: Callable[[Any], None], value: Any) -> None:
    if not future.done():
        deliver(value)
    elif isinstance(value, Exception):
        logger.debug("a call that nobody waits for any more failed: %s", value)


def _mark_retrieved(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from reporting the error of an abandoned call as never retrieved."""
    if not future.cancelled():
        future.exception()
