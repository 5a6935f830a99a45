"""The process that runs a command and keeps its result: ``python -m backend.running.command_runner ID READY``.

It has a session of its own and no terminal, so it outlives the requester and their terminal, and so does the command,
which has a session of its own, too. Only the exit status says how the command ended. READY is a file descriptor that is
closed once the command runs, or will not. SIGTERM is passed on to the command's process group.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from backend.log import backend_error, logging_to
from backend.records import command, process
from backend.records.command import CommandRecord
from backend.records.commands import Commands
from backend.records.entry import JobEntry, is_same_job
from backend.records.folder import state_folder
from backend.running import detached, scope
from backend.running.command_jobs import CommandJobs
from backend.running.output import OutputWriter
from backend.running.process_output import ProcessOutput
from backend.text import clean
from backend.threads import in_thread
from backend.uri import open_backend

DRAINED = 2.0
"""Seconds that the last output of a command that has ended may take to be kept: what it leaves running in the
background may hold its output open for ever."""
STOP_PATIENCE = 10.0
"""Seconds for which the jobs of a command are followed that was stopped: whoever ends this process kills it later."""
MOST_JOBS = 100
"""Jobs of one command that are kept with it; the history has all of them."""

logger = logging.getLogger(__name__)


class CommandRun:
    """One command, from its record to its result."""

    def __init__(self, record: CommandRecord, commands: Commands) -> None:
        self._record = record
        self._commands = commands
        self._process: subprocess.Popen[bytes] | None = None
        self._output: ProcessOutput | None = None
        self._stopped = asyncio.Event()
        """Set once somebody wants the command to end."""
        self._changed = asyncio.Event()
        """Set when there is something to write down."""
        self._final = False
        """Whether nothing more will change."""
        self._writing = threading.Lock()
        """Two threads write the record down: the one that read it first must not come last."""

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Run the command and write down how it ended, and how the jobs did that it caused.

        `ready` is called once it runs, or will not. JournalError where its begin cannot be written down: it is not run.
        """
        self._record = process.running(self._record)
        self._commands.write(self._record)
        saving = asyncio.create_task(self._save())
        try:
            move = in_thread(partial(_give_scope, self._record), "scope")
            async with self._followed() as jobs:
                # What a process starts before it is moved stays behind.
                await asyncio.wait([move])
                self._start()
                await in_thread(partial(detached.is_kept, self._write, self._record.domain), "journal")
                ready()
                await self._await_end()
                if jobs is not None and self._process is not None:
                    await self._settle(jobs)
            self._change_to(command.unfollowed(self._record))
        finally:
            self._final = True
            self._changed.set()
            await saving
        if self._output is not None:
            # What it has left running in the background would be killed by printing more.
            await in_thread(self._output.at_end.wait, "output")

    def stop(self) -> None:
        """Ask the command to end; once it has, its jobs are not followed for long."""
        self._stopped.set()
        if self._process is not None and self._process.returncode is None:
            # It is reaped in this thread alone: until then, its number is its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

    @contextlib.asynccontextmanager
    async def _followed(self) -> AsyncIterator[CommandJobs | None]:
        """Follow the jobs of the domain, if that is possible: what becomes of the command does not depend on it."""
        async with contextlib.AsyncExitStack() as stack:
            jobs = None
            try:
                backend = await stack.enter_async_context(open_backend(self._record.uri))
                jobs = await stack.enter_async_context(CommandJobs(backend, self._record.key, self._job_changed))
            except Exception as error:
                self._change(trouble=backend_error(error).message)
            self._change(following=jobs is not None)
            yield jobs

    def _start(self) -> None:
        if self._stopped.is_set():
            self._change_to(command.failed(self._record, "it was stopped before it began"))
            return
        reader, writer = os.pipe()
        try:
            self._process = subprocess.Popen(
                self._record.argv,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                cwd=self._record.cwd,
                env=environment(self._record, os.environ),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            os.close(reader)
            self._change_to(command.failed(self._record, _why_not(error, self._record)))
            return
        finally:
            os.close(writer)
        self._output = ProcessOutput(reader, OutputWriter(self._commands.output_of(self._record)))
        pid = self._process.pid
        self._change(command_pid=pid, command_start=process.process_start(pid))

    async def _await_end(self) -> None:
        if self._process is None or self._output is None:
            return
        await in_thread(partial(os.waitid, os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT), "command")
        returncode = self._process.wait()
        # Whoever hears of the end finds all that was printed before it.
        await in_thread(partial(self._output.at_end.wait, DRAINED), "output")
        self._change_to(command.ended(self._record, returncode))

    async def _settle(self, jobs: CommandJobs) -> None:
        """Follow the jobs that the command has caused to their ends."""
        settling = asyncio.create_task(jobs.settle())
        stopped = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({settling, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not settling.done():
            await asyncio.wait({settling}, timeout=STOP_PATIENCE)
        for task in (settling, stopped):
            task.cancel()
        await asyncio.gather(settling, stopped, return_exceptions=True)

    def _job_changed(self, entry: JobEntry) -> None:
        jobs = list(self._record.jobs)
        # It may be told of under the id of another observer, who saw it first.
        known = next((n for n, job in enumerate(jobs) if job.id == entry.id or is_same_job(job, entry)), None)
        if known is not None:
            jobs[known] = replace(entry, id=jobs[known].id)
        elif len(jobs) < MOST_JOBS:
            jobs.append(entry)
        self._change(jobs=tuple(jobs))

    def _change(self, **values: Any) -> None:
        self._change_to(replace(self._record, **values))

    def _change_to(self, record: CommandRecord) -> None:
        self._record = record
        self._changed.set()

    async def _save(self) -> None:
        """Write down each change as soon as that is possible: nobody else knows of it."""
        while not self._final or self._changed.is_set():
            await self._changed.wait()
            self._changed.clear()
            await detached.keep(self._write, self._commands.folder.parent, self._record.domain)

    def _write(self) -> None:
        with self._writing:
            self._commands.write(self._record)


def environment(record: CommandRecord, inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of the command: the requester's, with what virsh and other clients use by default set to the
    hypervisor of its domain."""
    return {
        **inherited,
        "LIBVIRT_DEFAULT_URI": record.uri,
        "VIRSH_DEFAULT_CONNECT_URI": record.uri,
        "VIRT_JOBS_URI": record.uri,
        "VIRT_JOBS_DOMAIN": record.domain,
        "VIRT_JOBS_UUID": record.uuid,
    }


def _why_not(error: OSError | ValueError, record: CommandRecord) -> str:
    """Why the command could not be run."""
    name = clean(record.argv[0])
    if isinstance(error, OSError):
        where = f" in {clean(record.cwd)}" if error.filename == record.cwd else ""
        return f"cannot run {name}{where}: {error.strerror}"
    return f"cannot run {name}: {clean(str(error))}"


def _give_scope(record: CommandRecord) -> None:
    try:
        scope.move(os.getpid(), f"virt-jobs-{record.id}", "a command")
    except scope.NoScope as reason:
        logger.info("the command for %s stays in the unit of its requester: %s", record.domain, clean(str(reason)))


async def _run(record_id: str, commands: Commands, ready: Callable[[], None]) -> None:
    record = commands.read(record_id)
    if record is None or record.over:
        return
    run = CommandRun(record, commands)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.stop)
    await run.run(ready)


def main() -> None:
    # Nothing that happens to the login ends the command, which inherits that; Ctrl-C it may have to itself.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, lambda number, frame: None)
    record_id, ready = sys.argv[1], int(sys.argv[2])
    with logging_to(state_folder):
        try:
            asyncio.run(_run(record_id, Commands(), partial(os.close, ready)))
        except Exception:
            logger.exception("the runner of %s failed", record_id)
            sys.exit(1)


if __name__ == "__main__":
    main()
