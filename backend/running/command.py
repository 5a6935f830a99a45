"""Run any command as a job of a domain, in a process of its own, so that it and its result outlive the requester."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import (
    CommandNotExecutable,
    CommandNotFound,
    InvalidPath,
    JournalError,
    NoJob,
    OperationFailed,
)
from backend.log import ignored
from backend.model import DomainKey
from backend.records import command, process
from backend.records.command import CommandRecord
from backend.records.commands import ARGUMENTS_LIMIT, Commands
from backend.records.folder import private_folder
from backend.records.record import RecordState
from backend.running import detached
from backend.text import clean
from backend.threads import in_thread

if TYPE_CHECKING:
    from backend.base import Backend

logger = logging.getLogger(__name__)


async def run_command(
    backend: Backend,
    domain: DomainKey,
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    commands: Commands | None = None,
) -> CommandRecord:
    """Start the command for the domain, and return its record once it runs, or is over already.

    It gets no input, this process's environment with the hypervisor as the default of libvirt's clients, and the folder
    `cwd`, by default the current one. What it prints is kept with its record. `commands` is this user's own by default.

    CommandNotFound, CommandNotExecutable and InvalidPath where it cannot be run, JournalError where it could not be
    written down, and OperationFailed where its runner ended without a result.
    """
    folder = cwd or _current_folder()
    _check(argv, folder)
    commands = commands or Commands()
    record = command.new_command(domain, backend.uri, argv, folder)
    await in_thread(partial(_begin, commands, record), "journal")
    reader, writer = os.pipe()
    try:
        runner = detached.spawn("backend.running.command_runner", record.id, str(writer), inherited=[writer])
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    await _closed(reader)
    now = await in_thread(lambda: commands.read(record.id) or record, "journal")
    if not (now.command_pid or now.over):
        await in_thread(runner.wait, "runner")
        now = await in_thread(lambda: commands.read(record.id) or record, "journal")
    if not (now.command_pid or now.over):
        now = command.lost(now)
        await in_thread(partial(commands.write, now), "journal")
        raise OperationFailed(f"the runner ended without a result (exit {runner.returncode})")
    return now


def stop_command(record: CommandRecord) -> None:
    """Ask the command to end, by SIGTERM to its process group. What it has caused on its domain goes on.

    NoJob if it does not run any more, or not on this machine.
    """
    runner: int | None = None
    try:
        # The runner knows whether the command is over: its number may be somebody else's by then.
        runner = os.pidfd_open(record.pid)
        if record.state is RecordState.RUNNING and process.runner_alive(record):
            signal.pidfd_send_signal(runner, signal.SIGTERM)
            return
    except OSError as error:
        logger.debug("the runner of %s: %s", record.domain, error)
    finally:
        if runner is not None:
            os.close(runner)
    raise NoJob(f"{record.domain} has no command to stop")


def _check(argv: Sequence[str], cwd: str) -> None:
    if sum(map(len, argv)) > ARGUMENTS_LIMIT // 8:
        raise InvalidPath(f"the command line is longer than {ARGUMENTS_LIMIT // 8} characters; put it into a script")
    name = argv[0]
    path = os.path.join(cwd, name) if os.sep in name else shutil.which(name, os.F_OK)
    if not name or path is None or not os.path.exists(path):
        raise CommandNotFound(f"command not found: {clean(name)}")
    if os.path.isdir(path) or shutil.which(path) is None:
        raise CommandNotExecutable(f"cannot run {clean(name)}: {os.strerror(errno.EACCES)}")


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise InvalidPath(f"the current folder cannot be used: {error.strerror}; change to another one") from None


def _begin(commands: Commands, record: CommandRecord) -> None:
    """Write the record down, and make the folder for its output."""
    try:
        private_folder(commands.folder)
        commands.write(record)
        private_folder(commands.output_of(record))
        _remove_old(commands)
    except OSError as error:
        raise JournalError(f"cannot use {commands.folder}: {error.strerror}") from None


def _remove_old(commands: Commands) -> None:
    """Remove the output of commands that have no record any more."""
    present = [path for path in Path(commands.folder).iterdir() if path.is_dir()]
    known = commands.ids()
    for path in present:
        if path.name not in known:
            with ignored(logger, "the output of an old command stays", OSError):
                shutil.rmtree(path)


async def _closed(reader: int) -> None:
    """Return once nobody has the other end of that pipe open."""
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()
    loop.add_reader(reader, closed.set)
    try:
        await closed.wait()
    finally:
        loop.remove_reader(reader)
        os.close(reader)
