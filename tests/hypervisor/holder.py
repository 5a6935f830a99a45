"""``holder.py PATH``: stop the process through which libvirt writes PATH at its birth, until standard input ends.

A process with real-time priority: a thread of the tests' own process would come too late on a busy machine. Prints
"watching" once no birth can be missed, and the pid once the process is stopped.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys

HELPER = b"libvirt_iohelper"
INTERVAL = 0.001


def main() -> None:
    path = os.fsencode(sys.argv[1])
    with contextlib.suppress(PermissionError):  # Then it is as quick as the machine lets it be.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    older = set(os.listdir("/proc"))
    print("watching", flush=True)
    while not _ended(INTERVAL):
        # The daemon creates the file before it starts the process.
        if os.path.exists(path) and (helper := _newborn(path, older)) is not None:
            os.kill(helper, signal.SIGSTOP)
            print(helper, flush=True)
            _ended(None)
            with contextlib.suppress(ProcessLookupError):
                os.kill(helper, signal.SIGCONT)
            return


def _ended(seconds: float | None) -> bool:
    """Whether standard input ends within `seconds`; None: wait for it."""
    return bool(select.select([0], [], [], seconds)[0])


def _newborn(path: bytes, older: set[str]) -> int | None:
    """The pid of the process that writes `path`."""
    for name in os.listdir("/proc"):
        if name.isdigit() and name not in older:
            with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as cmdline:
                arguments = cmdline.read().split(b"\0")
                if os.path.basename(arguments[0]) == HELPER and path in arguments:
                    return int(name)
    return None


if __name__ == "__main__":
    main()
