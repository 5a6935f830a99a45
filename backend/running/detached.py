"""A process of its own that outlives the one that starts it, with the result of a job to keep."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from backend.errors import JournalError
from backend.log import open_log
from backend.records.folder import is_missing, state_folder
from backend.threads import in_thread

KEEP_INTERVAL = 1.0
"""Seconds between two attempts to write a result into a journal that cannot be written, such as one on a full disk."""
KEEP_TRIES = 3600

logger = logging.getLogger(__name__)


def spawn(module: str, *arguments: str, inherited: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start that module with these arguments, in a session of its own; what it writes to stderr goes to the log file.

    It also gets the file descriptors `inherited`.
    """
    with _log() as stderr:
        # -P keeps the folder it starts in out of the module path; its own session keeps our signals away.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd="/",
            start_new_session=True,
            pass_fds=inherited,
        )
    # It may end long after this call; somebody has to reap it while this process lives.
    threading.Thread(target=process.wait, name=f"reaper of {process.pid}", daemon=True).start()
    return process


@contextlib.contextmanager
def _log() -> Iterator[int]:
    """A descriptor for what a runner writes to stderr, such as the traceback of a failed import: the log file's."""
    try:
        descriptor = open_log(state_folder())
    except (OSError, JournalError) as error:
        logger.debug("the stderr of a runner is lost: %s", error)
        yield subprocess.DEVNULL
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def keep(write: Callable[[], None], folder: Path, subject: str) -> None:
    """Call `write` until it raises no JournalError: nobody else has the result that it writes down.

    Unless its `folder` was removed: nobody will look for it there. A file system that fails may be back in time.
    """
    for _ in range(KEEP_TRIES):
        if await in_thread(partial(is_kept, write, subject), "journal") or is_missing(folder):
            return
        await asyncio.sleep(KEEP_INTERVAL)


def is_kept(write: Callable[[], None], subject: str) -> bool:
    """Whether `write` raised no JournalError; one is logged, with the `subject` that the record is about."""
    try:
        write()
    except JournalError as error:
        logger.warning("the record of %s is not stored yet: %s", subject, error)
        return False
    return True
