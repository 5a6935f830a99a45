"""Signals that end the console: someone terminates it, or its terminal is closed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType

DEADLINE = 3
"""Seconds for an orderly exit; a terminal that no longer accepts output would block it forever."""


def end_in_order(end: Callable[[int], None]) -> None:
    """Have `end` called in the running loop, with the exit code of a shell, on SIGTERM and SIGHUP.

    A process that is still there after the deadline is killed by its alarm.
    """
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        signal.alarm(DEADLINE)
        loop.call_soon_threadsafe(end, 128 + number)

    # Not by the loop's own handlers: these would wait for a loop that waits for the terminal.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handle)
