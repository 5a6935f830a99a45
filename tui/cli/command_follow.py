"""Follow a command that was run as a job: what it prints, the jobs that it causes, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from backend.base import Backend, JobAnswer
from backend.errors import JournalError
from backend.job_stats import JobStats
from backend.model import DiskKey, DomainKey, JobKey
from backend.observing.sampler import Follower, sampler_of
from backend.outcome import Outcome, Verdict
from backend.records import command
from backend.records.command import CommandRecord
from backend.records.commands import Commands, to_json
from backend.records.entry import JobEntry
from backend.running.folder_watch import FolderWatch
from backend.running.output import OutputReader
from backend.threads import in_thread
from tui.cli.command_output import TAIL, JsonPrinter, Printer
from tui.cli.exits import Exit
from tui.cli.follow import Extent, Report, left_paused_line, outcome_json, ready_json
from tui.cli.output import complain, iso, print_json
from tui.cli.progress_line import ProgressLine
from tui.terminal.notify import Notice, of_command, of_outcome
from tui.words import outcomes, runs
from tui.words.job_names import job_name

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks at a job that is shown."""
FALLBACK = 1.0
"""Seconds between two looks at the record where the system does not tell of its changes."""

EXITS = {Verdict.COMPLETED: Exit.COMPLETED, Verdict.FAILED: Exit.FAILED, Verdict.UNPROVEN: Exit.UNPROVEN}


class CommandFollower:
    """Follows one command from its record. `on_end` gets what has ended since its start, or while it was followed."""

    def __init__(
        self,
        record: CommandRecord,
        commands: Commands,
        backend: Backend | None,
        as_json: bool,
        on_end: Callable[[Notice], None] | None,
    ) -> None:
        """Without an open `backend`, how far its jobs are is not shown, but how they end."""
        self._record = record
        self._commands = commands
        self._backend = backend
        self._json = as_json
        self._on_end = on_end
        self._line = ProgressLine(as_json)
        self._followers: dict[str, Follower] = {}
        """Of the jobs that are shown, by the ids of their entries."""
        self._shown: set[str] = set()
        """The jobs whose end was told, or of which nothing more is to be waited for."""
        self._old: set[str] = set()
        """The jobs that were over before."""
        self._woken = asyncio.Event()
        self._printer: Printer | JsonPrinter = Printer(record.domain, self._line.away)
        if as_json:
            self._printer = JsonPrinter(self._print_text)

    async def follow(self, from_the_start: bool) -> Exit:
        """Print everything until the command and the jobs that it has caused are over; what becomes of the command.

        A job that mirrors a disk does not end by itself: it is followed until it is ready.
        """
        output = OutputReader(self._commands.output_of(self._record))
        if not from_the_start:
            if earlier := await in_thread(partial(output.skip_to_last, TAIL), "output"):
                self._printer.leave_out(earlier, f"; what is kept of it is in {self._commands.output_of(self._record)}")
            self._old.update(job.id for job in self._record.jobs if job.over)
        # One that is over within a moment was started to be told of all the same.
        followed = from_the_start or not self._record.over
        with ExitStack() as stack:
            stack.callback(self._unfollow_all)
            told_of_changes = self._watch(stack)
            told = False
            while True:
                self._woken.clear()
                timeout = None if await self._read() and told_of_changes else FALLBACK
                self._printer.show(output)
                if self._record.over and not told:
                    told = True
                    self._printer.end()
                    self._tell_result(followed)
                self._show_jobs()
                if told and self._is_over:
                    return EXITS[command.verdict(self._record.state) or Verdict.UNPROVEN]
                try:
                    async with asyncio.timeout(timeout):
                        await self._woken.wait()
                except TimeoutError:
                    continue

    @property
    def _is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        shown = all(job.id in self._shown for job in self._record.jobs)
        return shown and (not self._record.following or bool(self._record.open_jobs))

    def _watch(self, stack: ExitStack) -> bool:
        """Have it noticed when something changes; whether that is possible."""
        try:
            folders = self._commands.folder, self._commands.output_of(self._record)
            stack.enter_context(FolderWatch(self._woken.set, *folders))
            runner = os.pidfd_open(self._record.pid)
        except ProcessLookupError:
            return True  # Nothing will change any more.
        except OSError:
            return False
        loop = asyncio.get_running_loop()
        stack.callback(os.close, runner)
        stack.callback(loop.remove_reader, runner)
        loop.add_reader(runner, self._runner_ended, runner)
        return True

    def _runner_ended(self, runner: int) -> None:
        asyncio.get_running_loop().remove_reader(runner)
        self._woken.set()

    async def _read(self) -> bool:
        """Read the record again; whether that was possible. A journal on a full disk may be readable later."""
        try:
            record = await in_thread(partial(self._commands.read, self._record.id), "journal")
        except JournalError as error:
            logger.warning("%s", error.message)
            return False
        self._record = command.settled(record or self._record)
        return True

    # Jobs

    def _show_jobs(self) -> None:
        for job in self._record.jobs:
            if job.id in self._shown:
                continue
            if job.outcome is not None:
                self._shown.add(job.id)
                self._unfollow(job)
                self._tell_outcome(job, job.outcome)
            elif job.id not in self._followers and self._backend is not None:
                report = Report(job.key, self._backend.uri, self._json, self._line)
                take = partial(self._sampled, job, report)
                self._followers[job.id] = sampler_of(self._backend).follow(_key(job), take, INTERVAL)

    def _sampled(self, job: JobEntry, report: Report, answer: JobAnswer | Exception, sent: float) -> None:
        if not isinstance(answer, JobStats) or job.id in self._shown:
            return
        report.progress(answer)
        if answer.ready and self._record.over and job.disk is not None:
            self._shown.add(job.id)
            self._unfollow(job)
            self._tell_ready(job, job.disk)
            self._woken.set()

    def _unfollow_all(self) -> None:
        for job in self._record.jobs:
            self._unfollow(job)

    def _unfollow(self, job: JobEntry) -> None:
        if (follower := self._followers.pop(job.id, None)) is not None:
            follower.close()
            self._line.drop(job.key)

    def _tell_ready(self, job: JobEntry, disk: str) -> None:
        if self._json:
            print_json(ready_json(self._record.uri, job.key, job.operation, disk))
        else:
            with self._line.away():
                complain(f"{job.domain}: {job_name(job.operation, disk)} is ready, and goes on")

    def _tell_outcome(self, job: JobEntry, outcome: Outcome) -> None:
        uri = self._record.uri
        if self._json:
            extent = Extent(job.began, job.ended if job.id in self._old else None, job.bytes)
            print_json(outcome_json(uri, outcome, extent))
        else:
            with self._line.away():
                complain(outcomes.report(outcome))
                if outcome.left_paused:
                    complain(left_paused_line(uri, outcome.domain.name))
        if job.id not in self._old and self._on_end is not None:
            self._on_end(of_outcome(outcome, uri))

    # The command

    def _tell_result(self, followed: bool) -> None:
        record = self._record
        if self._json:
            print_json(result_json(record))
        else:
            with self._line.away():
                complain(runs.report(record))
                if record.trouble:
                    complain(f"{record.domain}: its jobs were not followed: {record.trouble}")
        if followed and self._on_end is not None:
            self._on_end(of_command(record))

    def _print_text(self, text: str, left_out: int) -> None:
        print_json(_event("output", self._record) | {"text": text, "left_out": left_out})


def started_json(record: CommandRecord) -> dict[str, Any]:
    return _event("started", record) | {"argv": list(record.argv), "start": iso(record.started)}


def result_json(record: CommandRecord) -> dict[str, Any]:
    """The last word on the command: its record, and what that means."""
    concluded = {"verdict": command.verdict(record.state), "evidence": runs.evidence(record)}
    return _event("result", record) | to_json(record) | concluded


def _event(name: str, record: CommandRecord) -> dict[str, Any]:
    return {"event": name, "uri": record.uri, "domain": record.domain, "id": record.id}


def _key(job: JobEntry) -> JobKey:
    domain: DomainKey = job.key
    return DiskKey(domain, job.disk) if job.disk is not None else domain
