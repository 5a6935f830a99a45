"""Writes to the terminal in a thread of its own: one that takes nothing holds up nobody."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import IO

logger = logging.getLogger(__name__)


class Writer(threading.Thread):
    """Writes in the order of the calls; `on_idle` is called, in the thread, whenever everything was handed over."""

    def __init__(self, file: IO[str], on_idle: Callable[[], object]) -> None:
        super().__init__(name="terminal output", daemon=True)
        self._file = file
        self._on_idle = on_idle
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._pending = 0
        self._lock = threading.RLock()  # A signal handler of the main thread may write as well.

    @property
    def busy(self) -> bool:
        """Whether something is still to be handed over."""
        return self._pending > 0

    def write(self, text: str) -> None:
        with self._lock:
            self._pending += 1
        self._texts.put(text)

    def stop(self) -> None:
        """End the thread, once everything was handed over."""
        self._texts.put(None)
        self.join()

    def run(self) -> None:
        lost = False
        while (text := self._texts.get()) is not None:
            try:
                if not lost:
                    self._file.write(text)
                    self._file.flush()
            except OSError as error:
                lost = True
                logger.info("the terminal is gone: %s", error.strerror)
            with self._lock:
                self._pending -= 1
            if not self._pending:
                self._on_idle()
