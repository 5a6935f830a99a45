"""Reads what a process prints, as fast as it prints it, and has it kept: whoever prints is never held up for long."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from queue import Full, Queue

from backend.log import ignored
from backend.running.output import OutputWriter

CHUNK = 1 << 20
"""Bytes that the pipe holds, where the system allows that, and that are read at a time."""
QUEUED = 4
"""Of these, so many wait to be written."""
PATIENCE = 1.0
"""Seconds that a file system may take; what is printed while it does not answer is left out."""

logger = logging.getLogger(__name__)


class ProcessOutput:
    """Reads a pipe to its end, in threads of its own."""

    def __init__(self, pipe: int, writer: OutputWriter) -> None:
        """`pipe` is closed at its end."""
        self._pipe = pipe
        self._writer = writer
        self._queue: Queue[bytes | int | Callable[[], None]] = Queue(QUEUED)
        self.at_end = threading.Event()
        """Set once nobody has the pipe open any more, and everything that was printed is kept."""
        self._skipped = 0
        """Bytes that were left out since the last chunk that was queued."""
        with ignored(logger, "the pipe stays as it is", OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)
        for work in (self._read, self._write):
            threading.Thread(target=work, name="output", daemon=True).start()

    def _read(self) -> None:
        try:
            while chunk := os.read(self._pipe, CHUNK):
                self._put(chunk)
        except OSError as error:
            logger.warning("the output of a command cannot be read: %s", error)
        finally:
            os.close(self._pipe)
            self._queue.put(self.at_end.set)

    def _put(self, chunk: bytes) -> None:
        try:
            if self._skipped:
                # The file system did not answer: from now on, nobody waits for it.
                self._queue.put_nowait(self._skipped)
                self._skipped = 0
            self._queue.put(chunk, timeout=PATIENCE)
        except Full:
            self._skipped += len(chunk)

    def _write(self) -> None:
        while not self.at_end.is_set():
            item = self._queue.get()
            if isinstance(item, bytes):
                self._writer.write(item)
            elif isinstance(item, int):
                self._writer.skip(item)
            else:
                self._writer.close()
                item()
