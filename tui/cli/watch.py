"""The command `watch`: every start and end of a job, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from backend.backoff import CONNECT, Backoff
from backend.base import Backend
from backend.errors import BackendError, InvalidURI, NoConnection, NotAnswering
from backend.threads import Worker
from tui.cli import streams
from tui.cli.common import subcommand
from tui.cli.exits import Exit
from tui.cli.fleet import DEADLINE, host_error_line, within
from tui.cli.layout import terminal_width, wrapped
from tui.cli.options import example, json_option
from tui.cli.output import complain, print_json
from tui.cli.since import parse_since
from tui.cli.target import Target

if TYPE_CHECKING:
    from backend.observing.job_changes import JobChange

PATIENCE = 1.0
"""Seconds that the end waits for a reader that is slow."""


@subcommand(
    short_help="Print every job's start and end as it happens.",
    epilog=example("virt-jobs -c hv1 -c hv2 watch", "virt-jobs watch --since 24h --json"),
)
@click.option(
    "--since",
    callback=parse_since,
    metavar="TIME",
    help="First print the jobs that were running at TIME or began later, as far as they are remembered.",
)
@json_option
@click.pass_obj
def watch(target: Target, since: float | None, as_json: bool) -> None:
    """Print every job's start and end as it happens, one line each, until Ctrl-C.

    Jobs of every kind are watched, no matter who started them. The line of an end says how the job ended and what
    proves it. Jobs that are already running are printed first, as running. What is seen is kept for history.

    TIME is a duration (90m, 24h, 7d), a date (2026-11-25) or a local time ('2026-11-25 03:00').

    A host that cannot be reached, or whose connection is lost, is tried again until it answers, while the others are
    watched. The command exits with 130 on Ctrl-C, on SIGTERM, and when nobody reads its output any more.
    """
    try:
        code = asyncio.run(_watch_all(target, since, as_json))
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # After the terminal's own ^C.
        code = Exit.DETACHED
    sys.exit(code)


async def _watch_all(target: Target, since: float | None, as_json: bool) -> Exit:
    """Watch all hosts until that is to end; raises the last error if none can be watched."""
    backends = [target.backend(uri) for uri in target.uris]
    output = _Output(target, as_json)
    hosts = {
        asyncio.create_task(_watch_host(backend, target.host(backend.uri), since, output)): backend.uri
        for backend in backends
    }
    running = set(hosts)
    with _end_requested() as ended:
        end = asyncio.create_task(ended.wait())
        try:
            while True:
                done, _ = await asyncio.wait({*running, end}, return_when=asyncio.FIRST_COMPLETED)
                if end in done:
                    return Exit.DETACHED
                running -= done
                for host in hosts.keys() & done:
                    error = host.exception()
                    assert error is not None
                    if not running or isinstance(error, InvalidURI) or not isinstance(error, BackendError):
                        raise error
                    complain(host_error_line(target.host(hosts[host]), error))
        finally:
            for task in (end, *hosts):
                task.cancel()
            await asyncio.gather(*hosts, return_exceptions=True)
            await output.close()


@contextlib.contextmanager
def _end_requested() -> Iterator[asyncio.Event]:
    """Set on SIGTERM, and when the reader of a pipe has gone away: there may be nothing to write for hours."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    descriptor = sys.stdout.fileno()
    is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    if is_pipe:
        # The end that is written to becomes readable only by this error.
        loop.add_reader(descriptor, ended.set)
    try:
        yield ended
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        if is_pipe:
            loop.remove_reader(descriptor)


async def _watch_host(backend: Backend, host: str, since: float | None, output: _Output) -> None:
    """Print what happens on one host. Raises what keeps it from being watched, but for a missing connection."""
    from backend.observing.watch import watch as watch_jobs

    def report(connected: bool, reason: str) -> None:
        if connected:
            complain(f"{host}: connected again")
        else:
            complain(f"{host_error_line(host, NoConnection(reason))}; watching again once it is back")

    try:
        await _connect(backend, host)
        async with contextlib.aclosing(watch_jobs(backend, since=since, on_connection=report)) as changes:
            async for change in changes:
                await output.show(change, host, backend.uri)
    finally:
        await backend.close()


async def _connect(backend: Backend, host: str) -> None:
    backoff, trouble = Backoff(*CONNECT), ""
    while (error := await within(backend, DEADLINE, backend.open())) is not None:
        if not isinstance(error, (NoConnection, NotAnswering)):
            raise error
        if error.message != trouble:
            trouble = error.message
            complain(f"{host_error_line(host, error)}; trying again until it answers")
        await backoff.pause()
    if trouble:
        complain(f"{host}: connected")


class _Output:
    """Writes lines in a thread: a reader that is slow, or has stopped, keeps nobody from seeing how a job ends."""

    def __init__(self, target: Target, as_json: bool) -> None:
        self._json = as_json
        self._several = len(target.uris) > 1
        self._writer = Worker("output")
        self._last: asyncio.Future[None] | None = None

    async def show(self, change: JobChange, host: str, uri: str) -> None:
        """Print the change. OutputLost where that is impossible."""
        from tui.cli.change_lines import change_json, change_line

        if self._json:
            line = partial(print_json, change_json(change, uri))
        else:
            text = change_line(change, host if self._several else "")
            line = partial(print, "\n".join(wrapped(text, terminal_width())), flush=True)
        self._last = self._writer.call(line)
        await asyncio.shield(self._last)

    async def close(self) -> None:
        """Return once all is written, or let go of a stream whose reader has stopped: nothing else may wait for it."""
        if self._last is not None:
            _, unwritten = await asyncio.wait({self._last}, timeout=PATIENCE)
            if unwritten:
                streams.abandon_output()
