"""The clipboard: that of tmux, which says whether it took a text, or that of the terminal, which never does."""

from __future__ import annotations

import asyncio
import base64
import logging
import subprocess
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from functools import partial

from backend.threads import Worker
from tui.words.cells import crop, crop_path, width

logger = logging.getLogger(__name__)

DEADLINE = 2.0
"""Seconds that tmux has."""
CHUNK = 512
"""Characters that GNU screen passes on at a time; it cuts off what is longer than 768."""
SHOWN = 60
"""Cells of the text that are repeated."""
_NO_CLIPBOARD = ("linux", "dumb", "vt", "unknown", "cons25")
"""How the names of terminals begin that have none."""


class Delivery(Enum):
    """Where a text went."""

    TMUX = auto()
    """Into tmux's buffer, and from there to the terminal around it if that is possible."""
    TERMINAL = auto()
    """To the terminal, which has a clipboard or has none."""
    NOWHERE = auto()
    """The terminal is known to have none."""


class Clipboard:
    """`environment`: that of the console; `write` sends an escape sequence to the terminal."""

    def __init__(self, environment: Mapping[str, str], write: Callable[[str], None]) -> None:
        self._environment = environment
        self._write = write
        self._worker: Worker | None = None

    async def put(self, text: str) -> Delivery:
        """Put `text` there; what was put last is there in the end."""
        if self._environment.get("TMUX") and await self._load(text):
            return Delivery.TMUX
        if self._environment.get("TERM", "dumb").startswith(_NO_CLIPBOARD):
            return Delivery.NOWHERE
        self._write(sequence(text, bool(self._environment.get("STY"))))
        return Delivery.TERMINAL

    async def _load(self, text: str) -> bool:
        """Whether tmux has taken the text."""
        if self._worker is None:
            self._worker = Worker("clipboard")
        try:
            async with asyncio.timeout(2 * DEADLINE):
                return await self._worker.call(partial(_load, text, self._environment))
        except TimeoutError:
            logger.warning("tmux does not take a text within %g s", 2 * DEADLINE)
            return False


def _load(text: str, environment: Mapping[str, str]) -> bool:
    # Before tmux 3.2 there is no -w, which passes the text on to the terminal.
    for options in (["-w"], []):
        command = ["tmux", "load-buffer", *options, "-"]
        try:
            # To a pipe, a child of tmux's could keep this waiting after its end.
            status = subprocess.run(
                command,
                input=text.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=DEADLINE,
                check=False,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            logger.warning("%s: %s", " ".join(command), error)
            return False
        if status == 0:
            return True
        logger.info("%s: exit status %d", " ".join(command), status)
    return False


def sequence(text: str, screen: bool) -> str:
    """What puts `text` into the clipboard of a terminal (OSC 52); `screen`: through GNU screen, in chunks."""
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    return "".join(f"\x1bP{chunk}\x1b\\" for chunk in _chunks(plain)) if screen else plain


def _chunks(text: str) -> Iterator[str]:
    for start in range(0, len(text), CHUNK):
        yield text[start : start + CHUNK]


def news(delivery: Delivery, text: str, what: str) -> str:
    """What to say of it; `what`: the text in a few words."""
    if delivery is Delivery.TMUX:
        return f"copied {what} to tmux"
    shown = "" if what == f'"{text}"' else f": {brief(text)}"
    if delivery is Delivery.TERMINAL:
        return f"sent {what} to the terminal{shown}"
    return f"this terminal has no clipboard for {what}{shown}"


def brief(text: str) -> str:
    """`text` in one line of a message."""
    lines = text.split("\n")
    if len(lines) > 1:
        return f"{crop(lines[0], SHOWN // 2)} … ({len(lines)} lines)"
    if width(text) <= SHOWN:
        return text
    return crop(text, SHOWN // 2) + crop_path(text, SHOWN // 2).removeprefix("…")
