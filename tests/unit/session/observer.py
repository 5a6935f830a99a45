"""A session on simulated hosts, with a listener that remembers what it heard. Nothing here knows Textual."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from backend.outcome import Outcome
from backend.records.command import CommandRecord
from backend.records.entry import JobEntry
from tui.config.values import Config
from tui.session.activity_log import Tone
from tui.session.job_news import FOLD
from tui.session.job_wait import JobWait
from tui.session.rows import Row, RowKey
from tui.session.session import Session

LIMIT = 20.0


class Observer:
    """Both the activity log and the listener of its session."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []
        self.tones: list[Tone] = []
        self.outcomes: list[Outcome] = []
        self.own: list[Outcome] = []
        """Those of them that are the user's own."""
        self.kept: list[str] = []
        """The words of the entries that are kept."""
        self.reports: list[tuple[Sequence[Row], Sequence[RowKey]]] = []
        self.host_changes = 0
        self.ended: list[JobWait] = []
        self.remembered_jobs: list[JobEntry] = []
        self.failures: list[tuple[str, str]] = []
        self.commands: list[CommandRecord] = []
        self.offers = 0
        self._news = asyncio.Event()

    def say(self, subject: str, words: str, tone: Tone = Tone.PLAIN, keep: bool = False) -> None:
        self.entries.append((subject, words))
        self.tones.append(tone)
        self.kept += [words] if keep else []
        self._news.set()

    def count(self, subject: str, number: int, singular: str, plural: str, keep: bool = False) -> None:
        self.say(subject, f"{number} {singular if number == 1 else plural}", keep=keep)

    def tell(self, outcome: Outcome, job: JobEntry | None = None, own: bool = False) -> None:
        self.outcomes.append(outcome)
        self.own += [outcome] if own else []
        self._news.set()

    def rows_changed(self, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        self.reports.append((changed, removed))
        self._news.set()

    def deeds_changed(self) -> None:
        self._news.set()

    def hosts_changed(self) -> None:
        self.host_changes += 1
        self._news.set()

    def wait_ended(self, wait: JobWait) -> None:
        self.ended.append(wait)
        self._news.set()

    def commands_changed(self) -> None:
        self._news.set()

    def command_ended(self, record: CommandRecord) -> None:
        self.commands.append(record)
        self._news.set()

    def remembered(self, entry: JobEntry) -> None:
        self.remembered_jobs.append(entry)
        self._news.set()

    def action_failed(self, subject: str, error: str) -> None:
        self.failures.append((subject, error))
        self._news.set()

    def queue_left(self) -> None:
        self.offers += 1
        self._news.set()

    async def news_are_told(self) -> None:
        """Wait for as long as the session collects what it tells together."""
        told = asyncio.Event()
        asyncio.get_running_loop().call_later(FOLD * 2, told.set)
        await told.wait()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that the session reports."""
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def session(*uris: str, config: Config | None = None) -> AsyncIterator[tuple[Session, Observer]]:
    """A session on those hosts whose domains are known, closed at the end."""
    observer = Observer()
    running = Session(uris, False, config or Config(), observer, observer)
    running.start()
    try:
        await observer.until(lambda: running.loaded.issuperset(uris))
        yield running, observer
    finally:
        await running.close()
        if tasks := set(running._tasks._tasks):
            await asyncio.wait(tasks)  # They close what they have open.
