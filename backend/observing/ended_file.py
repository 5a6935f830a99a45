"""The file of a dump that was over before it could be followed, where it was held in time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from backend.base import Backend
from backend.errors import BackendError, OperationFailed
from backend.files.inspect import inspect_target
from backend.files.target import DumpTarget
from backend.model import DomainKey, JobOperation
from backend.observing.sampler import look_with
from backend.observing.wall_clock import WallClock
from backend.text import clean
from backend.threads import in_thread
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileChecked, FileHeld, Sampled

logger = logging.getLogger(__name__)


async def observe_held(backend: Backend, domain: DomainKey, seen: Sampled, attachment: Attachment) -> DumpTarget | None:
    """Let the attachment observe the look at its job that found `seen`, and that its file is held, which is returned,
    if it is and is over.

    Whether that file is the job's own is for the attachment to decide.
    """
    clock = asyncio.get_running_loop().time
    look = look_with(backend, domain, seen.stats) if seen.stats is not None else None
    if look is None:
        attachment.observe(seen, seen.sent)
        return None
    attachment.observe(Sampled(look.stats, look.sent), look.answered)
    target = await _last_target(backend, domain) if attachment.operation is JobOperation.DUMP else None
    if target is not None:
        attachment.observe(held(target, over=True), clock())
    return target


async def observe_reported(
    backend: Backend, domain: DomainKey, attachment: Attachment, ends: Iterable[float], since: float
) -> DumpTarget | None:
    """The same for a dump that nobody looked at. `ends`: when the ends of jobs of the domain were reported, all of them
    from `since` on."""
    target = await _last_target(backend, domain)
    if target is None or target.first_seen < since:
        return None
    reported = [end for end in ends if end >= target.first_seen]
    if len(reported) != 1:
        return None
    attachment.observe(replace(held(target, over=True), reported=reported[0]), asyncio.get_running_loop().time())
    return target


async def _last_target(backend: Backend, domain: DomainKey) -> DumpTarget | None:
    try:
        return await backend.last_dump_target(domain)
    except BackendError as error:
        logger.debug("the dump file of %s: %s", domain.name, error.message)
        return None


async def observe_checked(target: DumpTarget, attachment: Attachment) -> None:
    """Let the attachment, whose job is over, observe what its file is now."""
    try:
        checked = await in_thread(partial(check, target, WallClock()), "dump file")
    except BackendError as error:
        logger.debug("the dump file %s: %s", clean(target.path), error.message)
    else:
        attachment.observe(checked, asyncio.get_running_loop().time())


def held(target: DumpTarget, over: bool) -> FileHeld:
    """What is known of when the dump was written to the file; `over`: it was over when the file was found."""
    return FileHeld(target.since, (target.first_seen, target.last_seen), over)


def check(target: DumpTarget, clock: WallClock) -> FileChecked:
    """What the file is now. OperationFailed where it cannot be read."""
    asked = time.monotonic()
    try:
        created = target.created
        age = clock.age(created) if created is not None else None
        content = inspect_target(target)
        return FileChecked(content, target.linked, clock.seconds_since(target.modified), asked, age)
    except OSError as error:
        raise OperationFailed(f"cannot read {clean(target.path)}: {error.strerror}") from None
