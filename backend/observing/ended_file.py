"""The file of a dump that was over before it could be followed, where it was held in time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
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


async def observe_held(
    backend: Backend,
    domain: DomainKey,
    attachment: Attachment,
    seen: Sampled | None,
    ends: Iterable[float],
    since: float,
) -> DumpTarget | None:
    """Let the attachment observe the look at its job that found what was `seen`, if there was one, and that its file is
    held, which is returned, if it is and is over.

    `ends`: when the ends of jobs of the domain were reported, all of them from `since` on. Whether that file is the
    job's own is for the attachment to decide.
    """
    if seen is not None and seen.stats is not None:
        look = look_with(backend, domain, seen.stats)
        if look is not None:
            attachment.observe(Sampled(look.stats, look.sent), look.answered)
        else:
            attachment.observe(seen, seen.sent)
    dumped = attachment.operation is JobOperation.DUMP
    target = await found_by(backend.last_dump_target, domain) if dumped else None
    if target is not None:
        reported = [end for end in ends if end >= target.first_seen >= since]
        only = reported[0] if len(reported) == 1 else None
        attachment.observe(held(target, over=True, reported=only), asyncio.get_running_loop().time())
    return target


async def found_by(find: Callable[[DomainKey], Awaitable[DumpTarget | None]], domain: DomainKey) -> DumpTarget | None:
    """The file of the domain's dump that `find` of a backend returns; None where that fails, too."""
    try:
        return await find(domain)
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


def held(target: DumpTarget, over: bool, reported: float | None = None) -> FileHeld:
    """What is known of when the dump was written to the file; see FileHeld."""
    return FileHeld(target.since, (target.first_seen, target.last_seen), over, reported)


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
