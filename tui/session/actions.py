"""What the user does to jobs and domains: it is done in the background, recorded, and its failure is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

from backend.errors import BackendError
from backend.model import DiskKey, DomainKey, JobKey, MigrationLimits, domain_of
from tui.session.activity_log import ActivityLog, Tone
from tui.session.background_tasks import BackgroundTasks
from tui.session.deeds import ACCEPTED, Deeds
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.words import equivalents
from tui.words.equivalents import Equivalent

ATTACHED_WITHIN = 1.0
"""Seconds that an action waits for the wait that is to report what comes of it."""

Action = Literal["abort", "pivot", "resume", "change of limits", "post-copy"]
Fail = Callable[[str, str, str], object]
WaitForDisk = Callable[[Host, DiskKey], JobWait | None]


class Actions:
    """`fail` gets the subject of an action that failed, the error, and what to say before that. `wait_for_disk` gives
    the wait for the job of a disk, whose end is reported."""

    def __init__(
        self, log: ActivityLog, tasks: BackgroundTasks, deeds: Deeds, fail: Fail, wait_for_disk: WaitForDisk
    ) -> None:
        self._log = log
        self._tasks = tasks
        self._deeds = deeds
        self._fail = fail
        self._wait_for_disk = wait_for_disk

    def abort(self, host: Host, job: JobKey, postcopy: bool = False) -> None:
        """Abort the job; how that of a disk ends is reported. `postcopy`: it is a migration in that phase."""
        wait = self._wait_for_disk(host, job) if isinstance(job, DiskKey) else None
        same = equivalents.abort(host.uri, job, postcopy)
        self._do("abort", job, same, lambda: host.backend.abort(job, postcopy), wait)

    def pivot(self, host: Host, disk: DiskKey) -> None:
        """Let the disk continue on what its job has mirrored to; how the job ends is reported."""
        wait = self._wait_for_disk(host, disk)
        self._do("pivot", disk, equivalents.pivot(host.uri, disk), lambda: host.backend.pivot(disk), wait)

    def limit_migration(self, host: Host, domain: DomainKey, limits: MigrationLimits) -> None:
        """Change what the domain's migration has to keep to."""
        same = equivalents.limit_migration(host.uri, domain, limits)
        self._do("change of limits", domain, same, lambda: host.backend.limit_migration(domain, limits))

    def start_postcopy(self, host: Host, domain: DomainKey) -> None:
        """Let the guest of the domain's migration run on the other host."""
        same = equivalents.start_postcopy(host.uri, domain)
        self._do("post-copy", domain, same, lambda: host.backend.start_postcopy(domain))

    def resume(self, host: Host, domain: DomainKey) -> None:
        """Resume the domain."""
        same = equivalents.resume(host.uri, domain)
        self._do("resume", domain, same, lambda: host.backend.resume(domain))

    def _do(
        self,
        action: Action,
        job: JobKey,
        same: Equivalent,
        call: Callable[[], Coroutine[Any, Any, None]],
        wait: JobWait | None = None,
    ) -> None:
        """Make the call, which is the `same` as these commands.

        If there is a `wait` for the job, that should be attached before, but delays nothing for long.
        """
        subject = domain_of(job).name
        what = action + (f" of {job.disk}" if isinstance(job, DiskKey) else "")
        number = self._deeds.add(subject, what, same)

        async def act() -> None:
            if wait is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wait.attached.wait(), ATTACHED_WITHIN)
            try:
                await call()
            except BackendError as error:
                self._deeds.conclude(number, f"failed: {error.message}", Tone.ERROR)
                self._fail(subject, error.message, f"{what} failed: ")
            else:
                self._deeds.conclude(number, ACCEPTED)
                self._log.say(subject, f"{what} requested")

        self._tasks.start(subject, act())
