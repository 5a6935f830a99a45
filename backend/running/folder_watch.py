"""Tells when something in a folder changes, by inotify(7)."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

_CLOEXEC_NONBLOCK = os.O_CLOEXEC | os.O_NONBLOCK
_MODIFY, _ATTRIB, _MOVED_TO, _CREATE = 0x2, 0x4, 0x80, 0x100
_libc = ctypes.CDLL(None, use_errno=True)


class FolderWatch:
    """Calls `changed` for new, changed and touched files, from when it is made until it is closed; in one event loop.

    OSError where the system allows no more of them.
    """

    def __init__(self, changed: Callable[[], object], *folders: Path) -> None:
        """Folders that do not exist are left out."""
        self._changed = changed
        self._descriptor = _checked(_libc.inotify_init1(_CLOEXEC_NONBLOCK))
        try:
            for folder in folders:
                if folder.is_dir():
                    mask = _MODIFY | _ATTRIB | _MOVED_TO | _CREATE
                    _checked(_libc.inotify_add_watch(self._descriptor, os.fsencode(folder), mask))
        except BaseException:
            os.close(self._descriptor)
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._drain)

    def _drain(self) -> None:
        # What exactly has changed does not matter, nor how often.
        os.read(self._descriptor, 1 << 16)
        self._changed()

    def close(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
