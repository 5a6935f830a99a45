"""What is remembered, in words: in a table, and in one line to be copied."""

from __future__ import annotations

import time

from backend.observing.remembered import CommandRun, Remembered, WaitingDump
from backend.text import clean
from tui.words import past_commands, units
from tui.words.description import Description
from tui.words.outcomes import SYMBOLS
from tui.words.past_commands import CommandDescription
from tui.words.past_jobs import JobDescription
from tui.words.queued_dumps import WaitingDescription

RUNNING = "▸"


def describe(item: Remembered) -> Description:
    """What is said of it."""
    if isinstance(item, CommandRun):
        return CommandDescription(item)
    return WaitingDescription(item) if isinstance(item, WaitingDump) else JobDescription(item)


def operation(item: Remembered) -> str:
    """``dump``, ``block copy``, ``run``."""
    return item.operation.label if item.operation is not None else past_commands.OPERATION


def symbol(item: Remembered) -> str:
    """One character that tells how it ended; none for what has not begun."""
    if isinstance(item, WaitingDump):
        return ""
    return SYMBOLS[item.verdict] if item.verdict is not None else RUNNING


def result(item: Remembered) -> str:
    """``✓ completed``, ``? lost``, ``▸ running``, ``queued``."""
    return f"{symbol(item)} {item.word}".lstrip()


def began(item: Remembered) -> str:
    """Without the year, which is this one or, in winter, the last one: ``11-26 18:24:17``."""
    return time.strftime("%m-%d %H:%M:%S", time.localtime(item.requested))


def took(item: Remembered) -> str:
    """``0:14``; empty while that is not known."""
    return units.duration(item.seconds) if item.seconds is not None else ""


def summary(item: Remembered) -> str:
    """``save completed in 0:05 by root@hv3``."""
    in_time = f" in {took(item)}" if item.seconds is not None else ""
    by = f" by {clean(item.requester)}" if item.requester else ""
    return f"{describe(item).name} {item.word}{in_time}{by}"


def line(item: Remembered, host: str) -> str:
    """All that a line holds, to be pasted somewhere else."""
    about = describe(item)
    words = [units.moment(item.requested), clean(host), clean(item.domain), summary(item)]
    if path := about.path:
        words.append(f"→ {path}")
    return ": ".join(filter(None, (" ".join(words), about.remark)))
