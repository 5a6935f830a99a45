"""A process on a pseudo-terminal, and when what it paints arrives there."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self
from unittest.mock import patch

COLUMNS, LINES = 160, 50
VIRT_JOBS = [sys.executable, "-m", "tui"]
CURSOR = rb"(?:(?<=;2H)|\xe2\x94\x82)(?:\x1b\[[\d;]*m)?\xe2\x96\x8c"
"""The console's cursor in what is painted, in the second column or beside the border, unlike the tip of a bar."""
_LIMIT = 10.0
"""Seconds after which something that should be painted is missing."""
_ASKS_FOR_SYNCHRONISED_OUTPUT = b"\x1b[?2026$p"
_HAS_IT = b"\x1b[?2026;2$y"
_ASKS_FOR_CURSOR = b"\x1b[6n"
_CURSOR_IS_HERE = b"\x1b[1;1R"
_SMALLEST_READ = 16
_TAKEN_OUT = ("PYTHONDONTWRITEBYTECODE", "NO_COLOR", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI")
_SENT_TO = rb"\x1b\[(?P<line>\d+);\d+H"


@contextmanager
def own_folder() -> Iterator[dict[str, str]]:
    """The environment of a program at an operator's terminal, with state and config that this process has as well.

    Python's bytecode is kept, as it is where a program is installed.
    """
    with tempfile.TemporaryDirectory(prefix="vj-bench-") as folder:
        own = {"XDG_STATE_HOME": f"{folder}/state", "XDG_CONFIG_HOME": f"{folder}/config"}
        terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        kept = {name: value for name, value in os.environ.items() if name not in _TAKEN_OUT}
        with patch.dict(os.environ, own):
            yield kept | terminal | own


def cpu_of(pid: int) -> float:
    """Seconds that all threads of a process have run, those that ended as well."""
    # What clock_getcpuclockid(3) gives for it: Python has it for one's own threads alone.
    return time.clock_gettime((~pid << 3) | 2)


class PseudoTerminal:
    """Reads bytes as they come, without making sense of them: an emulator would be slower than what is measured."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], rate: float = inf) -> None:
        """`rate`: bytes a second that it takes."""
        self._own, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.began = self._taken_up_to = time.perf_counter()
        """Up to when what was read fills the line."""
        self._rate = rate
        self._tail = b""
        """What may be the first part of a question."""
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(env), start_new_session=True
        )
        os.close(theirs)
        self.output = b""
        """What came since the last key."""
        self._came_at = self.began

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._own)

    def press(self, key: bytes) -> float:
        """Write a key, and forget what came before; when that was."""
        self.output = b""
        at = time.perf_counter()
        os.write(self._own, key)
        return at

    def forget(self) -> None:
        """Forget what came so far: what is looked for comes later."""
        while self._read(time.perf_counter()):
            pass
        self.output = b""

    def until_painted(self, pattern: bytes, but_on: int | None = None) -> float:
        """Read until what matches arrived, on another line than `but_on` if one is given; when that was."""
        end = time.perf_counter() + _LIMIT
        while not any(line != but_on for line in self.lines_of(pattern)):
            if time.perf_counter() > end or not self._read(end):
                raise TimeoutError(f"{pattern!r} was never painted; the last that was: {self.output[-500:]!r}")
        return self._came_at

    def read_for(self, seconds: float) -> int:
        """Read for so long; how many bytes came."""
        end, count = time.perf_counter() + seconds, 0
        while some := self._read(end):
            count += some
        return count

    def lines_of(self, pattern: bytes) -> list[int]:
        """The lines on which what matches was painted since the last key, 1 being the topmost; 0 before any is told."""
        line, lines = 0, []
        for found in re.finditer(_SENT_TO + b"|" + pattern, self.output):
            if found["line"]:
                line = int(found["line"])
            else:
                lines.append(line)
        return lines

    @property
    def cpu(self) -> float:
        """Seconds that all its threads have run."""
        return cpu_of(self._process.pid)

    @property
    def cpu_of_first_thread(self) -> float:
        """The same of the one that the process began with."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/schedstat").read_text().split()[0]) / 1e9

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def memory(self) -> int:
        """Bytes that are resident now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _read(self, end: float) -> int:
        now = time.perf_counter()
        free = self._taken_up_to + _SMALLEST_READ / self._rate
        if free > now:
            time.sleep(max(0.0, min(free, end) - now))
            if free > end:
                return 0
        ready, _, _ = select.select([self._own], [], [], max(0.0, end - time.perf_counter()))
        if not ready:
            return 0
        now = time.perf_counter()
        self._taken_up_to = max(self._taken_up_to, now - 2 * _SMALLEST_READ / self._rate)
        room = 65536 if self._rate == inf else int((now - self._taken_up_to) * self._rate)
        try:
            some = os.read(self._own, max(_SMALLEST_READ, min(room, 65536)))
        except OSError:
            raise RuntimeError(f"it ended: {self.output[-500:]!r}") from None
        self._came_at = time.perf_counter()
        self._taken_up_to += len(some) / self._rate
        questions = (self._tail + some).split(_ASKS_FOR_CURSOR)
        self._tail = questions[-1][1 - len(_ASKS_FOR_CURSOR) :]
        os.write(self._own, _CURSOR_IS_HERE * (len(questions) - 1))
        if _ASKS_FOR_SYNCHRONISED_OUTPUT in some:
            os.write(self._own, _HAS_IT)
        self.output += some
        return len(some)
