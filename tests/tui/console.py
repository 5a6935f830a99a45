"""The console in a test: what its user sees, and waits that end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from unittest.mock import patch

from textual import events
from textual.pilot import Pilot

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import NoJob
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.running.start import start_dump
from backend.uri import open_backend
from tests.screen import reads
from tests.simulator_hold import Hold
from tui.app import Console
from tui.config.values import Config

LIMIT = 20.0
"""Seconds after which a thing that should be seen is missing."""
SETTLED = 1.0
"""Seconds after which something that is still being handled is not waited for."""
NOTICE = 10.0
"""Seconds for which a notice stays, so that a slow machine gets to see it, and what is below it as well."""


class User:
    """Presses keys and reads the screen."""

    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    @property
    def screen(self) -> str:
        """The text on the screen, line by line."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(line.text.rstrip() for line in lines)

    async def press(self, *keys: str) -> None:
        """Press them, each once the one before it has had its effect."""
        for key in keys:
            async with self._settled():
                await self.app._press_keys([key])

    async def type(self, text: str) -> None:
        """Paste `text`."""
        async with self._settled():
            self.app.post_message(events.Paste(text))

    async def click(self, x: int, y: int, times: int = 1) -> None:
        async with self._settled():
            await self._pilot.click(offset=(x, y), times=times)

    async def scroll(self, x: int, y: int, notches: int) -> None:
        """Turn the wheel towards oneself."""
        async with self._settled():
            for _ in range(notches):
                await self._pilot._post_mouse_events([events.MouseScrollDown], offset=(x, y))

    async def resize(self, width: int, height: int) -> None:
        async with self._settled():
            await self._pilot.resize_terminal(width, height)

    async def sees(self, *texts: str) -> None:
        """Wait until all of `texts` are on the screen."""
        await self.until(lambda: all(text in self.screen for text in texts), f"{texts} on the screen")

    async def reads(self, *texts: str) -> None:
        """Wait until the words of all of `texts` are on the screen; where lines break depends on what else they say."""
        await self.until(lambda: all(reads(self.screen, text) for text in texts), f"{texts} to read")

    async def sees_no(self, *texts: str) -> None:
        """Wait until none of `texts` is on the screen."""
        await self.until(lambda: not any(text in self.screen for text in texts), f"no {texts} on the screen")

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(LIMIT):
                while not condition():
                    await self._pilot.pause(0.02)
        except TimeoutError:
            raise AssertionError(f"there never was {what}:\n{self.screen}") from None
        await self._settle()  # What goes with it, such as the focus, is there for the next key.

    @asynccontextmanager
    async def _settled(self) -> AsyncIterator[None]:
        """What the pilot does inside is handled when this ends.

        It would wait until the process is idle, which takes a tenth of a second for each key.
        """
        with patch("textual.app.wait_for_idle", _at_once), patch("textual.pilot.wait_for_idle", _at_once):
            yield
        await self._settle()

    async def _settle(self) -> None:
        """Return once every message is handled, and all that came of them, and the screen shows it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLED):
                await self._pilot._wait_for_screen()
                while self._messages():
                    await self._pilot._wait_for_screen()
        self.app.screen._on_timer_update()

    def _messages(self) -> bool:
        """Whether something is under way to the application, or to a widget that can be seen."""
        return any(node._message_queue.qsize() for node in (self.app, *self.app.screen.walk_children(with_self=True)))

    async def go_to(self, name: str) -> None:
        """Put the cursor on a domain, by its filter; the cursor would go back if it were not moved."""
        await self.press("slash")
        await self.type(name)
        await self.press("enter")
        await self.sees(f"▌ {name}")
        await self.press("home", "escape")
        await self.sees(f"▌ {name}", "Domains ─")


async def _at_once(*_: float) -> None:
    """Wait for nothing."""


@asynccontextmanager
async def console(
    *uris: str, readonly: bool = False, size: tuple[int, int] = (120, 36), config: Config | None = None
) -> AsyncIterator[User]:
    """The console on those hypervisors, with its user; quit at the end."""
    app = Console(list(uris), readonly, config)
    app.NOTIFICATION_TIMEOUT = NOTICE  # type: ignore[misc]
    async with app.run_test(size=size, notifications=True) as pilot:
        yield User(app, pilot)
        app.exit()


@asynccontextmanager
async def dumping(uri: str, name: str, path: Path) -> AsyncIterator[JobRecord]:
    """A dump of that domain that someone else runs, held until the block ends; a raw one, which can be aborted."""
    async with Hold(uri, path), open_backend(uri) as other:
        domain = await other.find(name)
        record = await start_dump(other, DumpRequest(domain.key, str(path), DumpFormat.RAW, DumpFlags.NONE))
        try:
            yield record
        finally:
            with suppress(NoJob):
                await other.abort(domain.key)
            await ended(record)


async def ended(record: JobRecord) -> JobRecord:
    """That record with its result."""
    journal = Journal()
    for _ in range(round(LIMIT / 0.02)):
        now = await asyncio.to_thread(journal.read, record.id)
        if now is not None and now.over:
            return now
        await asyncio.sleep(0.02)
    raise AssertionError(f"never over: {record}")
