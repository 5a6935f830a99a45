"""The screens that wait for jobs, and what follows when they are left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.commands.jobs import ShowWaits, Wait
from tui.commands.keys import Keys
from tui.commands.offering import OfferingScreen
from tui.screens.wait import WaitScreen
from tui.screens.wait_list import WaitListScreen
from tui.session.activity_log import ActivityLog
from tui.session.job_wait import JobWait
from tui.session.session import Session


class WaitFlow:
    """Opens them above `screen`, where the domains are."""

    def __init__(self, screen: OfferingScreen[None], session: Session, log: ActivityLog, keys: Keys) -> None:
        self._screen = screen
        self._session = session
        self._log = log
        self._keys = keys
        self._last: Sequence[JobWait] = ()
        """What can be shown again."""

    def show(self, waits: Sequence[JobWait]) -> None:
        """Show these waits; a single dump that is queued as a list of one, with the key that removes it."""
        if not waits:
            return
        if not set(waits) <= set(self._last):  # One of the last ones may be looked at alone, and the others again.
            self._part_from(set(self._last).difference(waits))
            self._last = waits
        for wait in waits:
            wait.left = False
        if len(waits) == 1 and not waits[0].queued:
            screen: WaitScreen | WaitListScreen = WaitScreen(waits[0], self._session, self._keys)
        else:
            screen = WaitListScreen(waits, self._session, self._keys)
        self._screen.open(screen, lambda resume: self._left(waits, bool(resume)))

    @property
    def refusal(self) -> str | None:
        """Why there is nothing to be shown again."""
        return None if self._available else f"no job has been waited for yet: {self._keys[Wait]} waits for one"

    def show_last(self) -> None:
        """Show again what was shown last, with what has ended since; else the dumps of this user that run."""
        self.show(self._available)

    @property
    def _available(self) -> Sequence[JobWait]:
        waits = self._session.waits
        # A wait whose host was dropped, or whose place another one has taken, learns nothing more.
        return [wait for wait in self._last if wait.over or waits.get(wait.key) is wait] or waits.ours

    def _part_from(self, waits: Iterable[JobWait]) -> None:
        """Nobody can come back to these: wait no longer for the jobs of others."""
        for wait in waits:
            if not wait.ours and not wait.over:
                self._session.waits.leave(wait)

    def refresh(self) -> None:
        """A connection came or went: show that of the waits that are shown."""
        if isinstance(self._screen.app.screen, WaitScreen | WaitListScreen):
            self._screen.app.screen.link_changed()

    def _left(self, waits: Sequence[JobWait], resume: bool) -> None:
        """A screen was left; `resume`: to resume the domains that its jobs left paused."""
        running = [wait for wait in waits if not wait.over]
        if running:
            self._report_detached(running)
        for wait in running:
            wait.left = not wait.ours
        for wait in waits if resume else ():
            # The wait knows more than the table, which may not have seen yet that the job is gone.
            if wait.outcome is not None and wait.outcome.left_paused:
                self._session.actions.resume(wait.host, wait.domain)

    def _report_detached(self, running: Sequence[JobWait]) -> None:
        if len(running) == 1:
            subject, what, them = running[0].name, f"the {running[0].what} is", "it"
        else:
            several = "jobs" if any(wait.disk for wait in running) else "domains"
            subject, what, them = f"{len(running)} {several}", "the jobs are", "them"
        words = f"detached; {what} still running, {self._keys[ShowWaits]} shows {them} again"
        self._log.say(subject, words)
        self._screen.notify(f"{subject}: {words}", markup=False)
