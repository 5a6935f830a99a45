"""Wait for the next job that begins, and follow that one to its end.

A witness of each hypervisor tells of every job that begins, also of one that is over before anybody can look at it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from backend.base import Backend, JobAnswer
from backend.errors import BackendError, NoConnection, WaitTimeout
from backend.job_stats import JobStats
from backend.log import backend_error
from backend.model import DiskKey
from backend.observing.memory import Memory
from backend.observing.sampler import sampler_of
from backend.observing.views import Changes
from backend.observing.watcher import Watcher
from backend.observing.witness import Witness
from backend.records.entry import JobEntry
from backend.records.history import History
from backend.verdicts.phase import RECONNECT_GRACE
from tui.cli import exits
from tui.cli.begun_jobs import BegunJobs, key_of
from tui.cli.exits import Exit
from tui.cli.fleet import Fleet, host_error_line
from tui.cli.follow import Report
from tui.cli.hosts import list_open
from tui.cli.job_follower import GONE, JobFollower, OnEnd, error_line
from tui.cli.output import complain, print_json
from tui.cli.wait_options import Until, WaitOptions

INTERVAL = 0.25
"""Seconds between two looks at the progress of the job."""
PATIENCE = 10.0
"""Seconds after which a job that is gone is over, even if its witness has not come to a verdict."""


async def wait_for_next(fleet: Fleet, domains: Sequence[str], options: WaitOptions, on_end: OnEnd) -> Exit:
    """Report how the next job ended that begins on one of `domains`, or on any domain of the hypervisors.

    With Until.ALL, that is the next job on each of `domains`, and the worst exit code.
    """
    begun = BegunJobs(options)
    memory = Memory(History(), "wait", begun.take)
    follower = JobFollower(replace(options, timeout=None), on_end, memory)
    waiting = _NextJobs(fleet, options, begun, memory, follower)
    try:
        async with asyncio.timeout(options.timeout) as limit:
            return await waiting.run(list(dict.fromkeys(domains)))
    except TimeoutError:
        if not limit.expired():
            raise
        state = "the job is still running" if waiting.following else "no job has begun"
        raise WaitTimeout(f"timed out after {options.timeout:g} s; {state}") from None
    finally:
        await memory.settle()
        memory.close()


class _NextJobs:
    """A wait for the next job, or for the next one on each of several domains."""

    def __init__(
        self, fleet: Fleet, options: WaitOptions, begun: BegunJobs, memory: Memory, follower: JobFollower
    ) -> None:
        self._fleet = fleet
        self._options = options
        self._begun = begun
        self._memory = memory
        self._follower = follower
        self._backends: dict[str, Backend] = {}
        self._domains: set[tuple[str, str]] = set()
        """The hypervisors and uuids of the domains that were named and still have to begin a job."""
        self._named = False
        self.following = False
        """Whether a job has begun."""

    async def run(self, names: Sequence[str]) -> Exit:
        """The exit code of the jobs, or of what kept them from being waited for."""
        codes = await self._find(names)
        if not self._backends:
            return exits.worst(codes)
        listings = await list_open(list(self._backends.values()))
        for backend, answer in listings.items():
            if isinstance(answer, BackendError):
                codes.append(self._drop(backend, answer))
        self._begun.know(
            [
                (backend.uri, jobs.domain.key if stats.disk is None else DiskKey(jobs.domain.key, stats.disk))
                for backend, answer in listings.items()
                if not isinstance(answer, BackendError)
                for jobs in answer
                for stats in jobs.all
            ]
        )
        watches = [asyncio.create_task(self._watch(backend)) for backend in self._backends.values()]
        follows: list[asyncio.Task[Exit]] = []
        try:
            every = self._options.until is Until.ALL
            while not follows or (every and self._domains):
                begun = await self._next_begun(codes)
                if begun is None:
                    break
                self.following = True
                follows.append(asyncio.create_task(self._follow(begun)))
            ended = await asyncio.gather(*follows)
            return exits.worst([*ended, *codes] if every or not ended else ended)
        finally:
            for task in (*follows, *watches):
                task.cancel()
            await asyncio.gather(*follows, *watches, return_exceptions=True)

    async def _find(self, names: Sequence[str]) -> list[Exit]:
        """Find the domains, or take all hypervisors; the exit codes of those that cannot be waited for."""
        if not names:
            self._fleet.complain_of_unreachable()
            self._backends = {backend.uri: backend for backend in self._fleet.backends}
            return [exits.of_error(error) for error in self._fleet.unreachable.values()]
        codes: list[Exit] = []
        self._named = True
        for name, location in (await self._fleet.find_all(names)).items():
            if not isinstance(location, BackendError):
                self._backends[location.backend.uri] = location.backend
                self._domains.add((location.backend.uri, location.domain.key.uuid))
            elif len(names) == 1:
                raise location
            else:
                complain(error_line(name, location))
                codes.append(exits.of_error(location))
        return codes

    async def _watch(self, backend: Backend) -> None:
        """Have a witness enter all jobs of that hypervisor."""
        loop = asyncio.get_running_loop()
        witness = Witness(backend, self._memory)
        outage: asyncio.TimerHandle | None = None
        announced = False

        def take(changes: Changes) -> None:
            nonlocal outage, announced
            witness.take(changes)
            if changes.connected:
                if outage is not None:
                    outage.cancel()
                outage = None
            elif outage is None:
                error = NoConnection(f"no connection for {RECONNECT_GRACE:.0f} s: {changes.reason}")
                outage = loop.call_later(RECONNECT_GRACE, self._begun.queue.put_nowait, (backend, error))
            if changes.connected and not announced:
                announced = True
                self._announce(backend)

        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(witness.run())
                tasks.create_task(Watcher(backend, found=witness.see).run(take))
        except Exception as error:
            self._begun.queue.put_nowait((backend, backend_error(error)))
        finally:
            if outage is not None:
                outage.cancel()

    def _announce(self, backend: Backend) -> None:
        """Tell that a job which begins there from now on is noticed."""
        if self._options.as_json:
            print_json({"event": "waiting", "uri": backend.uri, "domain": None})
        elif sys.stderr.isatty():
            complain(f"waiting for the next job on {self._fleet.host(backend)}")

    async def _next_begun(self, codes: list[Exit]) -> JobEntry | None:
        """The next job to follow; None if no hypervisor is left. What is lost leaves its exit code."""
        while True:
            item = await self._begun.queue.get()
            if not isinstance(item, JobEntry):
                codes.append(self._drop(*item))
                if not self._backends:
                    return None
                continue
            domain = item.uri, item.uuid
            if self._named and domain not in self._domains:
                continue
            self._domains.discard(domain)
            return item

    def _drop(self, backend: Backend, error: BackendError) -> Exit:
        """Watch that hypervisor no more; raise the error if it is the only one."""
        if self._fleet.name == self._fleet.host(backend):
            raise error
        complain(host_error_line(self._fleet.host(backend), error))
        self._backends.pop(backend.uri, None)
        self._domains = {(uri, uuid) for uri, uuid in self._domains if uri != backend.uri}
        return exits.of_error(error)

    async def _follow(self, entry: JobEntry) -> Exit:
        """Report how the job ended, as its witness enters it."""
        backend, key = self._backends[entry.uri], key_of(entry)
        if self._options.ready:
            with contextlib.suppress(*GONE):
                return await self._follower.follow_mirror(backend, entry.key, entry.disk)
        end = self._begun.end(entry)
        gone = _Gone(self._follower.report(backend, key))
        either: list[asyncio.Future[Any]] = [end, gone.future]
        with sampler_of(backend).follow(key, gone.take, INTERVAL):
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        gone.close()
        if not end.done():
            gone.future.result()
        return await self._follower.report_entered(backend, key, end.result() if end.done() else entry)


class _Gone:
    """Shows the progress of a job; its future is done when the job has been gone, or out of reach, for some time."""

    def __init__(self, report: Report) -> None:
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._report = report
        self._timer: asyncio.TimerHandle | None = None

    def take(self, answer: JobAnswer | Exception, sent: float) -> None:
        """What the sampler has learned of the job."""
        if isinstance(answer, JobStats):
            self.close()
            self._report.progress(answer)
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            if isinstance(answer, NoConnection):
                self._timer = loop.call_later(RECONNECT_GRACE, self._fail, answer)
            else:
                self._timer = loop.call_later(PATIENCE, self._give_up)

    def close(self) -> None:
        """Give up no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _give_up(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def _fail(self, error: NoConnection) -> None:
        if not self.future.done():
            self.future.set_exception(error)
