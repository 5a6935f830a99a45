"""The log file: what went wrong, with its traceback, for a later search for the cause.

Modules log through the standard `logging`. Only entry points (the command and the runner) add the file to it, with
`logging_to`. Any number of processes append to the same file. Logging never fails: a folder that cannot be written to
and a full disk only lose lines.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import queue
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from backend.errors import BackendError, InternalError
from backend.text import clean, hide_passwords

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

NAME = "virt-jobs.log"
MAX_BYTES = 1 << 20
"""Size at which the file is renamed to ``virt-jobs.log.1``, in place of the one before it."""
PATIENCE = 1.0
"""Seconds that a process waits for its last lines to be written, such as to a file system that does not answer."""
_LONGEST = 1 << 16
"""Bytes of one entry."""
_QUEUED = 1000
"""Entries that wait to be written; more are lost."""
_OUR_LOGGERS = ("backend", "tui")

logger = logging.getLogger(__name__)


class LogFile(logging.Handler):
    """Appends entries to the log file in a thread of its own: no caller waits for a slow file system."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        """`folder` gives the folder of the file; called in that thread for every entry."""
        super().__init__()
        self.setFormatter(_Formatter())
        self._folder = folder
        self._queue: queue.Queue[bytes | threading.Event | None] = queue.Queue(_QUEUED)
        self._writer: threading.Thread | None = None
        self._place = ""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            entry = f"{self.format(record)}\n".encode(errors="backslashreplace")[:_LONGEST]
        except Exception:  # The caller's arguments do not fit its message.
            entry = f"{record.name}: {record.msg!a}\n".encode()
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="log", daemon=True)
            self._writer.start()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(entry)

    def flush(self) -> None:
        """Wait until everything is written, but no longer than `PATIENCE`."""
        if self._writer is not None:
            written = threading.Event()
            with contextlib.suppress(queue.Full):
                self._queue.put_nowait(written)
                written.wait(PATIENCE)

    def close(self) -> None:
        self.flush()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        super().close()

    def place(self) -> str:
        """Where the last entry is, in words that can follow a semicolon; or why it is nowhere."""
        self.flush()
        return self._place or "its log file does not answer"

    def _write(self) -> None:
        while (entry := self._queue.get()) is not None:
            if isinstance(entry, threading.Event):
                entry.set()
                continue
            try:
                path = self._folder() / NAME
                _append(path, entry)
                self._place = f"see {clean(str(path))}"
            except (OSError, BackendError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                self._place = f"its traceback could not be kept: {clean(reason or '')}"


class _Formatter(logging.Formatter):
    """One line for each entry and an indented one for each line of a traceback; without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        moment = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(record.created))}.{int(record.msecs):03d}"
        lines = [f"{moment} {record.process} {record.levelname} {record.name}: {clean(record.getMessage())}"]
        if record.exc_info:
            lines += (f"    {clean(line)}" for line in self.formatException(record.exc_info).splitlines())
        return hide_passwords("\n".join(lines))


def open_log(folder: Path) -> int:
    """A descriptor that appends to the log file in `folder`. OSError if it is not a regular file of this user."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(folder / NAME, flags, 0o600)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        if status.st_uid != os.geteuid():
            raise PermissionError(errno.EACCES, f"it belongs to another user (uid {status.st_uid})")
        if status.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _append(path: Path, entry: bytes) -> None:
    # Opened anew for each entry: another process may have renamed the file. One write keeps an entry in one piece.
    descriptor = open_log(path.parent)
    try:
        os.write(descriptor, entry)
        if os.fstat(descriptor).st_size >= MAX_BYTES:
            _rotate(path, descriptor)
    finally:
        os.close(descriptor)


def _rotate(path: Path, descriptor: int) -> None:
    """Rename the file, unless another process does, or has."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
            os.replace(path, f"{path}.1")


@contextlib.contextmanager
def logging_to(folder: Callable[[], Path]) -> Iterator[LogFile]:
    """Log to the file in `folder`, and what threads and finalizers raise, too; undone at the end."""
    root = logging.getLogger()
    handlers, hooks = list(root.handlers), (threading.excepthook, sys.unraisablehook)
    log_file = LogFile(folder)
    root.addHandler(log_file)
    _set_level(logging.INFO)
    threading.excepthook, sys.unraisablehook = _log_thread_error, _log_unraisable
    try:
        yield log_file
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        for handler in [handler for handler in root.handlers if handler not in handlers]:
            root.removeHandler(handler)
            handler.close()
        _set_level(logging.NOTSET)


def log_details(on_stderr: bool) -> None:
    """Log everything, and show it on stderr, too, until the end of `logging_to`."""
    _set_level(logging.DEBUG)
    if on_stderr:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Formatter())
        logging.getLogger().addHandler(handler)


def log_to_stderr() -> None:
    """Log to stderr instead of the file, until the end of `logging_to`: for a service, whose manager keeps that.

    Where that is systemd, each line begins with its priority (sd-daemon(3)), and has no time of its own.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LogFile)]:
        root.removeHandler(handler)
        handler.close()
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setFormatter(_ServiceFormatter("JOURNAL_STREAM" in os.environ))
    root.addHandler(stderr)


class _ServiceFormatter(logging.Formatter):
    """Plain lines, without passwords; each with its priority where something parses that."""

    def __init__(self, priorities: bool) -> None:
        super().__init__()
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        lines = [clean(record.getMessage())]
        if record.exc_info:
            lines += (f"    {clean(line)}" for line in self.formatException(record.exc_info).splitlines())
        start = f"<{_priority(record.levelno)}>" if self._priorities else "virt-jobs: "
        return hide_passwords("\n".join(start + line for line in lines))


def _priority(level: int) -> int:
    """That of syslog(3)."""
    ours = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
    return next((priority for least, priority in ours if level >= least), 7)


@contextlib.contextmanager
def ignored(log: logging.Logger, consequence: str, *errors: type[Exception]) -> Iterator[None]:
    """Like `contextlib.suppress`, with an entry at level debug that names the consequence."""
    try:
        yield
    except errors as error:
        log.debug("%s: %s", consequence, error or type(error).__name__)


def internal_error(error: BaseException) -> InternalError:
    """The one-line error for an unexpected exception; its traceback goes to the log."""
    logger.error("internal error", exc_info=error)
    cause = _cause(error)
    log_file = next((handler for handler in logging.getLogger().handlers if isinstance(handler, LogFile)), None)
    text = hide_passwords(clean(f"internal error: {type(cause).__name__}: {cause}"))
    return InternalError(f"{text}; {log_file.place()}" if log_file is not None else text)


def backend_error(error: Exception) -> BackendError:
    """`error` as an error with a one-line message; an unexpected exception becomes an internal error."""
    cause = _cause(error)
    return cause if isinstance(cause, BackendError) else internal_error(error)


def _cause(error: BaseException) -> BaseException:
    """`error` itself; of a group, the first unexpected exception, or else the first."""
    members = list(_members(error))
    return next((member for member in members if not isinstance(member, BackendError)), members[0])


def _members(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group and in the groups in it; an exception that is no group, itself."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _members(member)
    else:
        yield error


def _set_level(level: int) -> None:
    for name in _OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)


def _log_thread_error(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        logger.error("thread %s failed", failed.thread and failed.thread.name, exc_info=failed.exc_value)


def _log_unraisable(failed: UnraisableHookArgs) -> None:
    logger.error("%s in %r", failed.err_msg or "exception ignored", failed.object, exc_info=failed.exc_value)
