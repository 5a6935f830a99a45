"""Job control: stopping this process as Ctrl-Z does in a shell, and what makes that possible."""

from __future__ import annotations

import os
import signal


def objection() -> str | None:
    """Why this process should not be stopped; None if there is a shell that could continue it."""
    # Where the session's first process leads this process's group, that is what the terminal was opened for.
    if os.getpgrp() == os.getsid(0):
        return "there is no shell to go back to: q quits"
    return None


def stop(group: bool = False) -> None:
    """Stop until continued; to be called by the main thread.

    `group`: stop what was started with this process as well: by the key; if it was a signal, they have it already.
    Unlike SIGSTOP, SIGTSTP does nothing to a process that nobody could continue.
    """
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        # The main thread is stopped before this call returns.
        os.kill(0 if group else os.getpid(), signal.SIGTSTP)
    finally:
        signal.signal(signal.SIGTSTP, handler)


def stop_until_foreground(terminal: int, group: bool = False) -> None:
    """The same until continued in the foreground of that terminal: in the background, it must not be drawn on."""
    stop(group)
    while not in_foreground(terminal) and objection() is None:
        stop()


def in_foreground(terminal: int) -> bool:
    """Whether this process may draw on that terminal."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True  # It is no terminal, or is gone.
