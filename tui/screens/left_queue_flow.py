"""When the user is asked about the dumps that earlier consoles had queued, and what follows the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.errors import BackendError
from tui.commands.offering import OfferingScreen
from tui.screens.left_queue import Choice, LeftQueueScreen
from tui.session.activity_log import ActivityLog, Tone
from tui.session.job_wait import JobWait
from tui.session.left_queue import LeftDump
from tui.session.session import Session

SUBJECT = "queue"


class LeftQueueFlow:
    """Asks above `screen`. `started` is called with the waits for what was queued again."""

    def __init__(
        self,
        screen: OfferingScreen[None],
        session: Session,
        log: ActivityLog,
        started: Callable[[Sequence[JobWait]], None],
    ) -> None:
        self._screen = screen
        self._session = session
        self._log = log
        self._started = started
        self._due = False

    def offer(self) -> None:
        """There are some that the user was not asked about: ask, or do so as soon as no other screen is open."""
        above = self._screen.app.screen
        if isinstance(above, LeftQueueScreen):
            self._session.left.asked()
            above.show(self._session.left.dumps)
        else:
            self._ask()

    def resume(self) -> None:
        """The screen is the top one again."""
        if self._due:
            self._ask()

    def show(self) -> None:
        """Ask, because the user wants to be."""
        self._screen.run_worker(self._look_and_ask(), group="queue", exclusive=True)

    async def _look_and_ask(self) -> None:
        await self._session.left.read()
        if not self._ask():
            self._screen.notify("no dump is left in the queue of an earlier console", markup=False)

    def _ask(self) -> bool:
        dumps = self._session.left.dumps
        self._due = bool(dumps) and not self._screen.is_active
        if dumps and not self._due:
            screen = LeftQueueScreen(dumps)
            self._session.left.asked()
            self._screen.open(screen, lambda choice: self._answered(choice or Choice.LATER, screen.dumps))
        return bool(dumps)

    def _answered(self, choice: Choice, dumps: Sequence[LeftDump]) -> None:
        if choice is Choice.LATER:
            kept = "one queued dump is kept" if len(dumps) == 1 else f"{len(dumps)} queued dumps are kept"
            self._say(f"{kept}: Queued dumps in the palette shows {'it' if len(dumps) == 1 else 'them'} again")
        else:
            work = self._queue_again(dumps) if choice is Choice.AGAIN else self._forget(dumps)
            self._screen.run_worker(work, group="queue")

    async def _queue_again(self, dumps: Sequence[LeftDump]) -> None:
        try:
            requeued = await self._session.left.queue_again([left.dump for left in dumps])
        except BackendError as error:
            self._say(f"nothing is queued again: {error.message}", Tone.ERROR)
            return
        for name, reason in requeued.refused:
            self._say(f"{name} is not queued again, but kept: {reason}", Tone.WARNING)
        if requeued.taken:
            self._say(f"{_dumps(requeued.taken)} taken over by another console", Tone.WARNING)
        self._started(requeued.waits)

    async def _forget(self, dumps: Sequence[LeftDump]) -> None:
        try:
            number = await self._session.left.forget([left.dump for left in dumps])
        except BackendError as error:
            self._say(f"nothing is forgotten: {error.message}", Tone.ERROR)
            return
        self._say(f"{_dumps(number)} forgotten")

    def _say(self, words: str, tone: Tone = Tone.PLAIN) -> None:
        self._log.say(SUBJECT, words, tone)
        severe = {Tone.ERROR: "error", Tone.WARNING: "warning"}
        self._screen.notify(words, severity=severe.get(tone, "information"), markup=False)  # type: ignore[arg-type]


def _dumps(number: int) -> str:
    return "one queued dump was" if number == 1 else f"{number} queued dumps were"
