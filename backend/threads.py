"""Blocking calls in threads of their own: nothing waits for such a thread, not even the end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


def in_thread(function: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Call `function` in a new daemon thread; the future gets its result, or its error, in this event loop.

    Whoever cannot wait any longer just turns away: a late result or error is dropped without a word.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    future.add_done_callback(_retrieve)

    def run() -> None:
        deliver: Callable[[Any], None]
        value: Any
        try:
            value, deliver = function(), future.set_result
        except BaseException as error:
            value, deliver = error, future.set_exception
        with contextlib.suppress(RuntimeError):  # The event loop is closed: nobody is left to tell.
            loop.call_soon_threadsafe(_settle, future, deliver, value)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _settle(future: asyncio.Future[Any], deliver: Callable[[Any], None], value: Any) -> None:
    if not future.done():
        deliver(value)
    elif isinstance(value, Exception):
        logger.debug("a call that nobody waits for any more failed: %s", value)


def _retrieve(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
