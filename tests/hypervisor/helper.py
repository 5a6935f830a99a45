"""The process through which libvirt writes a dump, a save or a snapshot to its file."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.libvirt.host.processes import processes

_LIMIT = 60.0
"""Seconds after which a job that should have begun has not."""


def helper_of(path: Path) -> int | None:
    """The pid of the one that writes `path`."""
    for process, arguments in processes():
        if os.path.basename(arguments[0]) == "libvirt_iohelper" and str(path) in arguments:
            return int(process.name)
    return None


class Held:
    """Whatever is written to a file is held from its begin until `release`: its job goes on and makes no headway.

    What does not fit into a pipe, that is: 1 MiB is the most that QEMU is rid of. The process that takes it from there
    is stopped at its birth. Where that happened later, QEMU itself would hang: in the last phase of a stream it does
    not answer its monitor. Of a folder, the first file that is written there is held.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("holder.py")), str(self._path)]
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "watching"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def until_stopped(self) -> None:
        """Return once the process runs, and is held."""
        assert self._line().isdigit()

    def release_to_closing(self) -> None:
        """Let QEMU get rid of all it has to write; what was the last of it does not get into the file yet."""
        assert self._holder is not None and self._holder.stdin is not None
        self.until_stopped()
        self._holder.stdin.write("\n")
        self._holder.stdin.flush()
        assert self._line() == "closing"

    def release(self) -> None:
        if self._holder is not None:
            self._holder.communicate()
            self._holder = None

    def _line(self) -> str:
        assert self._holder is not None and self._holder.stdout is not None
        assert select.select([self._holder.stdout], [], [], _LIMIT)[0], f"nobody writes {self._path}"
        return self._holder.stdout.readline().strip()
