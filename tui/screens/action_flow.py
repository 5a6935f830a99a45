"""From an action of the user's own to its command: the question before, the command, and what came of it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from textual.app import SuspendNotSupported

from backend.text import clean
from backend.threads import in_thread
from tui.commands.offering import OfferingScreen
from tui.commands.user_actions import UserAction
from tui.config.values import Action
from tui.screens.confirm import ConfirmScreen
from tui.session.activity_log import ActivityLog, Tone
from tui.session.host import Host
from tui.session.rows import Row
from tui.session.session import Session
from tui.session.user_commands import Ended, run_in_background, shell, shell_status, variables

AT_ONCE = 8
"""Commands that run at the same time for several domains or jobs."""
NOT_STARTED = 126
"""The exit status of a command that could not be started, as of a shell."""
_AFTERWARDS = 'printf \'\\n[%s: exit status %s; Enter returns to virt-jobs] \' "$0" "$1"; read -r _'
"""What it has written is to be read before the console covers it."""
_MOST_NAMED = 10
"""Subjects that a question names."""


class ActionFlow:
    """Runs them for what is selected on `screen`."""

    def __init__(self, screen: OfferingScreen[None], session: Session, log: ActivityLog) -> None:
        self._screen = screen
        self._session = session
        self._log = log

    def run(self, command: UserAction, host: Host | None) -> None:
        """Run it for each of the rows, or for the host, if there are any; ask before, if it wants that."""
        action = command.action
        if action.target == "host":
            calls = [] if host is None else [(host.name, variables(host.uri, host.name))]
        else:
            calls = [(row.name, self._variables(row)) for row in command.rows]
        if not calls:
            return
        if not action.confirm:
            self._start(action, calls)
            return
        names = [name for name, _ in calls]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        question = f"{action.name} for {', '.join(names[:_MOST_NAMED])}{more}?\n$ {clean(action.command)}"
        self._screen.open(
            ConfirmScreen(action.name, question, "Run"),
            lambda confirmed: self._start(action, calls) if confirmed else None,
        )

    def _variables(self, row: Row) -> dict[str, str]:
        wait = self._session.waits.get(row.key)
        record = wait.record if wait is not None else None
        automatic = row.automatic_dump.path if row.automatic_dump is not None else None
        return variables(row.uri, row.host, row, (record.path if record is not None else automatic) or "")

    def _start(self, action: Action, calls: Sequence[tuple[str, dict[str, str]]]) -> None:
        if action.where == "terminal":
            self._screen.run_worker(self._run_on_terminal(action, calls))
            return
        turns = asyncio.Semaphore(AT_ONCE)
        for name, values in calls:
            self._screen.run_worker(self._run_in_background(action, name, values, turns))

    async def _run_in_background(
        self, action: Action, name: str, values: dict[str, str], turns: asyncio.Semaphore
    ) -> None:
        async with turns:
            self._log.say(name, f"{action.name} started", Tone.QUIET)
            try:
                ended = await in_thread(partial(run_in_background, action.command, values), "user action")
            except OSError as error:
                ended = Ended(NOT_STARTED, clean(error.strerror or str(error)))
        self._report(action, name, ended)

    async def _run_on_terminal(self, action: Action, calls: Sequence[tuple[str, dict[str, str]]]) -> None:
        """One after the other. What is followed meanwhile goes on; only the screen is not painted."""
        ends: dict[str, Ended] = {}
        try:
            # Nothing may be raised inside: Textual would not take the terminal back.
            with self._screen.app.suspend(), _interrupts_ignored():
                for name, values in calls:
                    ends[name] = await _call(shell(action.command), values)
                status = max(ended.status for ended in ends.values())
                await _call([*shell(_AFTERWARDS), action.name, str(status)], {})
        except SuspendNotSupported as error:
            self._screen.refuse(f"{action.name}: {error}")
        for name, ended in ends.items():
            self._report(action, name, ended)

    def _report(self, action: Action, name: str, ended: Ended) -> None:
        if ended.status:
            self._log.say(name, f"✗ {action.name} failed ({ended.words})", Tone.ERROR)
            self._screen.notify(f"{name}: {action.name} failed ({ended.words})", severity="error", markup=False)
        else:
            self._log.say(name, f"{action.name} done" + (f": {ended.words}" if ended.words else ""))


async def _call(arguments: Sequence[str], values: dict[str, str]) -> Ended:
    try:
        process = await asyncio.create_subprocess_exec(*arguments, env={**os.environ, **values})
    except OSError as error:
        return Ended(NOT_STARTED, clean(error.strerror or str(error)))
    return Ended(shell_status(await process.wait()))


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C is for the command, which is in the same process group; to be ignored here, not there."""
    numbers = (signal.SIGINT, signal.SIGQUIT)
    # A handler, unlike SIG_IGN, is not inherited.
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
