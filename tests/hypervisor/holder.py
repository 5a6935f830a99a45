"""``holder.py PATH``: stop the process through which libvirt writes PATH, or a file in that folder, at its birth, until
standard input ends.

A process with real-time priority: a thread of the tests' own process would come too late on a busy machine. Prints
"watching" once no birth can be missed, and the pid once the process is stopped. A line on standard input lets it go on
bit by bit until QEMU has written everything and closed its end of the pipe; then it prints "closing".
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

HELPER = "libvirt_iohelper"
INTERVAL = 0.001


def main() -> None:
    path = os.fsencode(sys.argv[1])
    with contextlib.suppress(PermissionError):  # Then it is as quick as the machine lets it be.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    older = set(os.listdir("/proc"))
    print("watching", flush=True)
    while not select.select([0], [], [], INTERVAL)[0]:
        # The daemon creates the file before it starts the process.
        if os.path.exists(path) and (helper := _newborn(path, older)) is not None:
            os.kill(helper, signal.SIGSTOP)
            print(helper, flush=True)
            with contextlib.suppress(ProcessLookupError):
                while sys.stdin.readline():
                    _go_on(helper)
                    print("closing", flush=True)
                os.kill(helper, signal.SIGCONT)
            return


def _go_on(helper: int) -> None:
    """Let it read what there is, a bit at a time, until nobody writes any more."""
    pipe = os.readlink(f"/proc/{helper}/fd/0")
    writers = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != helper and _has(name, pipe)]
    while any(_has(writer, pipe) for writer in writers):
        before = _position(helper)
        os.kill(helper, signal.SIGCONT)
        for _ in range(20):
            time.sleep(INTERVAL / 10)
            if _position(helper) != before:
                break
        os.kill(helper, signal.SIGSTOP)


def _has(process: str, pipe: str) -> bool:
    folder = f"/proc/{process}/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(f"{folder}/{name}") == pipe:
                    return True
    return False


def _position(helper: int) -> str:
    with open(f"/proc/{helper}/fdinfo/1") as info:
        return info.readline()


def _newborn(path: bytes, older: set[str]) -> int | None:
    """The pid of the process that writes `path`."""
    for name in os.listdir("/proc"):
        if name.isdigit() and name not in older:
            with contextlib.suppress(OSError):
                # On a busy machine, reading any process's arguments may have to wait until that one gets a turn.
                if os.path.basename(os.readlink(f"/proc/{name}/exe")) != HELPER:
                    continue
                with open(f"/proc/{name}/cmdline", "rb") as cmdline:
                    if any(path in (word, os.path.dirname(word)) for word in cmdline.read().split(b"\0")):
                        return int(name)
    return None


if __name__ == "__main__":
    main()
