"""The file of a dump that was over before it could be followed, where it was held in time."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from backend.base import Backend
from backend.errors import BackendError, OperationFailed
from backend.files.inspect import inspect_target
from backend.files.target import DumpTarget
from backend.model import DomainKey
from backend.observing.sampler import latest_look
from backend.observing.wall_clock import WallClock
from backend.text import clean
from backend.threads import in_thread
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileChecked, FileHeld, Sampled

logger = logging.getLogger(__name__)


async def observe_ended_file(backend: Backend, domain: DomainKey, attachment: Attachment) -> None:
    """Let the attachment to a dump that is over see how it was last looked at, and its file, if there is any.

    Whether that file is the dump's own is for the attachment to decide. Call it before that observes the end.
    """
    clock = asyncio.get_running_loop().time
    look = latest_look(backend, domain)
    try:
        target = await backend.last_dump_target(domain)
    except BackendError as error:
        logger.debug("the dump file of %s: %s", domain.name, error.message)
        return
    if look is None or target is None or look.stats.operation != attachment.operation:
        return
    attachment.observe(Sampled(look.stats, look.sent), look.answered)
    attachment.observe(held(target, over=True), clock())
    try:
        checked = await in_thread(partial(check, target, WallClock()), "dump file")
    except OperationFailed as error:
        logger.debug("the dump file of %s: %s", domain.name, error.message)
    else:
        attachment.observe(checked, clock())


def held(target: DumpTarget, over: bool) -> FileHeld:
    """What is known of when the dump was written to the file; `over`: it was over when the file was found."""
    return FileHeld(target.since, (target.first_seen, target.last_seen), over)


def check(target: DumpTarget, clock: WallClock) -> FileChecked:
    """What the file is now. OperationFailed where it cannot be read."""
    try:
        content = inspect_target(target)
        return FileChecked(content, target.linked, clock.seconds_since(target.modified))
    except OSError as error:
        raise OperationFailed(f"cannot read {clean(target.path)}: {error.strerror}") from None
