"""Holds the file of each dump from the moment at which the daemon starts the helper that writes it.

Where the kernel reports the daemon's children, this works for the shortest dump. Its file is identified by the same
rules as in a search for it (iohelper); only the moment differs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backend.files.target import DumpTarget
from backend.libvirt.host.children import Children
from backend.libvirt.host.iohelper import DAEMONS, HELPER, Helper, helper_of, open_target
from backend.libvirt.host.pipe_writers import PipeWriters
from backend.libvirt.host.processes import PROC, executable, owner, parent, processes
from backend.log import ignored
from backend.text import clean

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 0.001, 1.3, 0.05
"""Seconds between two looks at a helper, of which nothing tells when it is executed, or when QEMU gets its pipe."""
_SLOW_GROWTH = 1.05
"""That of the pauses between two looks at one that writes."""
_LONGEST_SEARCH_PAUSE = 1.0
"""Seconds between two looks for the domain behind a helper."""
_SPARING = 3
"""So many times as long as it takes to look into all QEMUs, that is not done again."""
_RETRY, _RETRY_GROWTH, _LONGEST_RETRY = 0.1, 1.1, 10.0
"""Seconds between two tries to hold a file: it may become visible late, on slow storage or behind a lock."""
_BIRTH = 5.0
"""Seconds in which a child of the daemon's executes what it was started for."""
PATIENCE = 0.5
"""Seconds, at most, to wait for what is being found out."""
RECENT = 3.0
"""Seconds for which the file of a dump that is over is held, unless it is removed."""


class _Life:
    """Whether a process still lives; its pid may be another one's as soon as it does not."""

    def __init__(self, process: int) -> None:
        """`process`: a descriptor of it, pidfd_open(2)."""
        self._process = process

    def now(self) -> float | None:
        """A time at which it lived, on the monotonic clock; None: it is over."""
        now = time.monotonic()
        return None if self.wait(0.0) else now

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        end = select.poll()  # One serves one thread at a time.
        end.register(self._process, select.POLLIN)
        return bool(end.poll(seconds * 1000))


@dataclass(slots=True)
class _Written:
    """A file that a helper writes, or has just written."""

    uuid: str
    target: DumpTarget
    helper: _Life
    over: bool = False

    def look(self) -> None:
        """See whether it still is written."""
        if not self.over:
            now = self.helper.now()
            self.over = now is None
            self.target.last_seen = self.target.last_seen if now is None else now


class DumpWatch:
    """`found` gets the uuid of each domain whose dump's file is held now, in another thread."""

    def __init__(self, daemon_owner: int, found: Callable[[str], object]) -> None:
        self._owner = daemon_owner
        self._found = found
        self._lock = threading.Lock()
        self._known = threading.Condition(self._lock)
        self.writers = PipeWriters(daemon_owner)
        """What is known of the domains helps to find the one that is dumped."""
        self._written: list[_Written] = []
        self._followed: set[int] = set()
        """The pids of what may be helpers."""
        self._unknown: set[int] = set()
        """Of these, those that may write the file of any domain, as far as is known yet."""
        self._daemons: set[Path] = set()
        self._caught_up = False
        self._stopped = threading.Event()
        self._leave: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin, where that is permitted. Takes some ms."""
        self._daemons = {
            folder
            for folder in PROC.iterdir()
            if folder.name.isdigit() and executable(folder) in DAEMONS and owner(folder) == self._owner
        }
        logger.debug(
            "daemons whose dumps are followed: %s", " ".join(folder.name for folder in self._daemons) or "none"
        )
        if not self._daemons:
            return  # Or this user may not see what they execute.
        with ignored(logger, "the kernel does not tell which dumps begin", OSError):
            leave = Children.follow({int(folder.name) for folder in self._daemons}, self._born, self._missed)
            with self._lock:
                self._leave = leave
            if self._stopped.is_set():
                self._end()

    @property
    def complete(self) -> bool:
        """Whether every dump that can be seen at all is known here, or soon is: no search finds another."""
        return self._caught_up and Children.hears()

    @property
    def up_to_date(self) -> bool:
        """Whether all daemons that it follows still run; one that was restarted is another process."""
        return bool(self._daemons) and all(executable(folder) in DAEMONS for folder in self._daemons)

    def await_known(self) -> None:
        """Return once it is known whose file each helper writes that runs now, after `PATIENCE` at the latest."""
        with self._known:
            pending = set(self._unknown)
            self._known.wait_for(lambda: not pending & self._unknown, PATIENCE)

    def stop(self) -> None:
        """Let go of everything."""
        self._stopped.set()
        self._end()
        with self._lock:
            self._written.clear()

    def _end(self) -> None:
        with self._lock:
            leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    def target(self, uuid: str, *, over: bool = False) -> DumpTarget | None:
        """The file that the domain is being dumped to or, if its last dump is `over`, was dumped to last; None where
        none is held, or more than one could be it."""
        with self._lock:
            written = [item for item in self._written if item.uuid == uuid]
            for item in written:
                item.look()
            if over:
                return written[-1].target if written and _apart(written) else None
            running = [item for item in written if not item.over]
            return running[0].target if len(running) == 1 else None

    def _missed(self) -> None:
        self._in_thread(self._catch_up)

    def _catch_up(self) -> None:
        """Follow what the daemons started before anything was told, or untold."""
        with ignored(logger, "the dumps that run already are not seen", OSError):
            for process, _ in processes():
                if parent(process) in self._daemons:
                    self._born(int(process.name))
            self._caught_up = True

    def _born(self, pid: int) -> None:
        self._in_thread(partial(self._follow, pid))

    def _in_thread(self, call: Callable[[], None]) -> None:
        with ignored(logger, "a dump is not followed: there are too many threads", RuntimeError):
            threading.Thread(target=call, name="libvirt dump watch", daemon=True).start()

    def _follow(self, pid: int) -> None:
        with self._lock:
            if pid in self._followed:
                return
            self._followed.add(pid)
            self._unknown.add(pid)
        try:
            with ignored(logger, "a child of the daemon's is not followed", OSError):
                process = os.pidfd_open(pid)
                try:
                    self._follow_helper(PROC / str(pid), _Life(process))
                finally:
                    os.close(process)
        finally:
            self._know(pid)
            with self._lock:
                self._followed.discard(pid)

    def _know(self, pid: int) -> None:
        with self._known:
            self._unknown.discard(pid)
            self._known.notify_all()

    def _follow_helper(self, process: Path, life: _Life) -> None:
        helper = self._await_helper(process, life)
        if helper is None:
            return
        target = self._await_target(helper, life)
        if target is None or (now := life.now()) is None:
            logger.debug("what process %s writes to %s was not held in time", process.name, clean(helper.path))
            return
        target.first_seen = target.last_seen = now
        uuid = self._await_domain(helper, life)
        if uuid is None or self._stopped.is_set():
            logger.debug("whose memory process %s writes to %s is not known", process.name, clean(helper.path))
            return
        logger.debug("process %s writes the memory of %s to %s", process.name, uuid, clean(helper.path))
        written = _Written(uuid, target, life)
        with self._lock:
            self._written.append(written)
        self._know(int(process.name))
        try:
            self._found(uuid)
            pause = _FIRST_PAUSE
            while not written.over and not self._stopped.is_set():
                # Of a short dump, it is known to the millisecond until when it was written.
                life.wait(pause)
                pause = min(pause * _SLOW_GROWTH, _LONGEST_PAUSE)
                with self._lock:
                    written.look()
            until = time.monotonic() + RECENT
            # As long as a file is held that was removed, its disk is as full as before.
            while target.linked and time.monotonic() < until and not self._stopped.is_set():
                self._stopped.wait(_LONGEST_PAUSE)
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._written.remove(written)

    def _await_helper(self, process: Path, life: _Life) -> Helper | None:
        """The process as a helper, once it is one; None if it is something else, or gone."""
        pause, until = _FIRST_PAUSE, time.monotonic() + _BIRTH
        while time.monotonic() < until and not self._stopped.is_set():
            if (helper := helper_of(process, self._owner)) is not None:
                return helper
            if life.wait(pause) or executable(process) not in (*DAEMONS, HELPER, None):
                return None
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        return None

    def _await_target(self, helper: Helper, life: _Life) -> DumpTarget | None:
        """The file that it writes, held as soon as that is possible; None if it never is."""
        pause = _RETRY
        while (target := open_target(helper, self._owner)) is None and not self._stopped.is_set():
            self._know(int(helper.process.name))  # Who else looks for it cannot hold it either.
            if life.wait(pause):
                return None
            pause = min(pause * _RETRY_GROWTH, _LONGEST_RETRY)
        return target

    def _await_domain(self, helper: Helper, life: _Life) -> str | None:
        """The domain whose QEMU has got the other end of its pipe; None if it never does, or if several have it."""
        pause, next_search = _FIRST_PAUSE, 0.0
        while not self._stopped.is_set():
            began = time.monotonic()
            likely = self.writers.likely(helper)
            if likely is not None or began >= next_search:
                uuids = self.writers.all(helper) | {likely} - {None}
                if uuids:
                    return uuids.pop() if len(uuids) == 1 else None
                # Looking into every QEMU takes longer, the more of them there are.
                next_search = began + max(pause, _SPARING * (time.monotonic() - began))
            if life.wait(pause):
                return None
            pause = min(pause * _GROWTH, _LONGEST_SEARCH_PAUSE)
        return None


def _apart(written: list[_Written]) -> bool:
    """Whether the last one was written when no other was."""
    *earlier, last = written
    return last.over and all(item.over and item.target.last_seen < last.target.first_seen for item in earlier)
