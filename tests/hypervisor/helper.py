"""The process through which libvirt writes a dump, a save or a snapshot to its file."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.libvirt.host.processes import processes

_LIMIT = 20.0


def helper_of(path: Path) -> int | None:
    """The pid of the one that writes `path`."""
    for process, arguments in processes():
        if os.path.basename(arguments[0]) == "libvirt_iohelper" and str(path) in arguments:
            return int(process.name)
    return None


class Held:
    """The one that writes a file is held still from its birth until `release`: its job goes on and gets nowhere.

    Where that happened later, QEMU itself would hang: in the last phase of a stream it does not answer its monitor.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid: int | None = None
        self._stopped = threading.Event()
        self._released = threading.Event()
        self._lookout = threading.Thread(target=self._look_out, daemon=True)

    def __enter__(self) -> Self:
        self._lookout.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _look_out(self) -> None:
        while not self._released.wait(0.005):
            self._pid = helper_of(self._path)
            if self._pid is not None:
                self._signal(signal.SIGSTOP)
                self._stopped.set()
                return

    def until_stopped(self) -> None:
        """Return once it runs, and is held."""
        assert self._stopped.wait(_LIMIT), f"nobody writes {self._path}"

    def release(self) -> None:
        self._released.set()
        self._lookout.join()
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)
