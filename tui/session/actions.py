"""What the user does to jobs and domains: it is done in the background, recorded, and its failure is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

from backend.errors import BackendError
from backend.model import DiskKey, JobKey, domain_of
from tui.session.activity_log import ActivityLog, Tone
from tui.session.background_tasks import BackgroundTasks
from tui.session.deeds import ACCEPTED, Deeds
from tui.session.job_wait import JobWait
from tui.words.equivalents import Equivalent

ATTACHED_WITHIN = 1.0
"""Seconds that an action waits for the wait that is to report what comes of it."""

Action = Literal["abort", "pivot", "resume", "change of limits", "post-copy"]
Fail = Callable[[str, str, str], object]


class Actions:
    """`fail` gets the subject of an action that failed, the error, and what to say before that."""

    def __init__(self, log: ActivityLog, tasks: BackgroundTasks, deeds: Deeds, fail: Fail) -> None:
        self._log = log
        self._tasks = tasks
        self._deeds = deeds
        self._fail = fail

    def do(
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
