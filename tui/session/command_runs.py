"""The commands that this user runs as jobs on the session's domains, whoever started them, and how they end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from backend.errors import BackendError
from backend.outcome import Verdict
from backend.records import command
from backend.records.command import CommandRecord
from backend.records.commands import Commands
from backend.records.folder import private_folder
from backend.records.machine import boottime
from backend.running.folder_watch import FolderWatch
from backend.threads import in_thread
from tui.session.activity_log import ActivityLog, Tone
from tui.session.rows import RowKey
from tui.words import runs

logger = logging.getLogger(__name__)

_TONES = {Verdict.COMPLETED: Tone.PLAIN, Verdict.FAILED: Tone.ERROR, Verdict.UNPROVEN: Tone.WARNING}


class CommandRuns:
    """Reports in the activity when one starts or ends; those that run already, it attaches to.

    `has_host`: whether the session has that URI. `changed` is called when others run than before, `ended` for each that
    was seen to run and has ended.
    """

    def __init__(
        self,
        log: ActivityLog,
        has_host: Callable[[str], bool],
        changed: Callable[[], object],
        ended: Callable[[CommandRecord], object],
    ) -> None:
        self._log = log
        self._has_host = has_host
        self._changed = changed
        self._ended = ended
        self._running: dict[str, CommandRecord] = {}
        self._news = asyncio.Event()
        self._since = boottime()

    def of(self, key: RowKey) -> Sequence[CommandRecord]:
        """The commands that run for that domain, the latest first."""
        return [record for record in self._running.values() if (record.uri, record.uuid) == (key.uri, key.uuid)]

    def look(self) -> None:
        """Look again: the session may have a host more, or less."""
        self._news.set()

    async def watch(self) -> None:
        """Look for commands whenever their records change, until cancelled."""
        try:
            commands = await in_thread(_prepared, "journal")
        except (BackendError, OSError) as error:
            logger.warning("commands are not shown: %s", error)
            return
        with ExitStack() as stack:
            stack.enter_context(FolderWatch(self._news.set, commands.folder))
            watched: set[str] = set()
            self._news.set()
            while True:
                await self._news.wait()
                self._news.clear()
                try:
                    pending = await in_thread(partial(_pending, commands), "journal")
                    self._take(pending)
                    for record_id in self._running.keys() - {record.id for record in pending}:
                        self._end(await in_thread(partial(commands.read, record_id), "journal"), record_id)
                except BackendError as error:
                    logger.warning("commands cannot be looked for: %s", error)
                for record in self._running.values():
                    if record.id not in watched and record.command_pid:
                        watched.add(record.id)
                        self._watch_runner(record, stack)

    def _take(self, pending: Sequence[CommandRecord]) -> None:
        before = set(self._running)
        for record in reversed(pending):
            if not self._has_host(record.uri) or not record.command_pid:
                continue
            if record.id not in self._running:
                new = (record.started_uptime or 0.0) >= self._since
                what = "command started" if new else "attached to the command"
                self._log.say(record.domain, f"{what}: {runs.command_line(record)}")
            self._running = {record.id: record} | self._running
        if set(self._running) != before:
            self._changed()

    def _end(self, record: CommandRecord | None, record_id: str) -> None:
        del self._running[record_id]
        if record is not None and (concluded := command.verdict(record.state)) is not None:
            self._log.say(record.domain, runs.line(record), _TONES[concluded], keep=True)
            self._ended(record)
        self._changed()

    def _watch_runner(self, record: CommandRecord, stack: ExitStack) -> None:
        """Look again when the process ends that holds the result: it may have been killed."""
        loop = asyncio.get_running_loop()
        try:
            runner = os.pidfd_open(record.pid)
        except OSError as error:
            logger.debug("the runner of a command for %s: %s", record.domain, error)
            return
        stack.callback(os.close, runner)
        stack.callback(loop.remove_reader, runner)
        loop.add_reader(runner, self._runner_ended, runner)

    def _runner_ended(self, runner: int) -> None:
        asyncio.get_running_loop().remove_reader(runner)
        self._news.set()


def _prepared() -> Commands:
    commands = Commands()
    private_folder(commands.folder)
    return commands


def _pending(commands: Commands) -> list[CommandRecord]:
    """Those that run; the results of others whose runner died are lost, which is written down."""
    running = []
    for record in commands.pending():
        settled = command.settled(record)
        if settled.over:
            commands.write(settled)
        else:
            running.append(record)
    return running
