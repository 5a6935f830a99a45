"""Runs blocking calls in daemon threads, so that a call that never returns blocks neither the loop nor the exit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def in_thread(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call `function` in a new daemon thread named `name`; the future gets its result or its error.

    Must be called in a running event loop. A caller may stop waiting at any time (a deadline, a cancellation). Such an
    abandoned call keeps its thread until it returns; its late result or error is discarded.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    future.add_done_callback(_mark_retrieved)

    def run() -> None:
        deliver: Callable[[Any], None]
        value: Any
        try:
            value, deliver = function(), future.set_result
        except BaseException as error:
            value, deliver = error, future.set_exception
        with contextlib.suppress(RuntimeError):  # The event loop is closed; nobody waits for the result.
            loop.call_soon_threadsafe(_deliver, future, deliver, value)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _deliver(future: asyncio.Future[Any], deliver: Callable[[Any], None], value: Any) -> None:
    if not future.done():
        deliver(value)


def _mark_retrieved(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from reporting the error of an abandoned call as never retrieved."""
    if not future.cancelled():
        future.exception()
