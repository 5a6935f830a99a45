"""What the console shows, written to a file: as text, or as plain values in CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BackendError, FileExists, InvalidPath, OperationFailed
from backend.records.folder import state_folder
from backend.text import clean
from tui.config.dump_path import harmless

Values = Mapping[str, object]
"""Strings, numbers, booleans and None, by name."""


@dataclass(frozen=True, slots=True)
class Export:
    """What was shown when it was asked for. Both are called in another thread, and may take a while."""

    what: str
    """For the file's name: ``domains``."""
    lines: Callable[[], Iterable[str]]
    """As shown."""
    values: Callable[[], Iterable[Values]]
    """The same as plain values, in the same order."""
    suffix: str = "txt"
    """Of the file that is suggested."""


def suggested_path(export: Export, now: float) -> str:
    """A path for a new file in the current folder or, where nothing can be written there, the state folder. Blocks.

    `now` in seconds since the epoch. JournalError if there is no state folder either.
    """
    folder = Path.cwd() if os.access(".", os.W_OK) else state_folder()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    return str(folder / f"virt-jobs-{harmless(export.what)}-{stamp}.{export.suffix}")


def write(export: Export, path: str, overwrite: bool = False) -> None:
    """Write it to `path`, in the format that the suffix tells: ``.csv``, ``.json``, or text. Blocks.

    A relative path is one in the current folder, and ``~`` is the home folder. FileExists unless it is to be
    overwritten; what is there stays whole until the new file is. InvalidPath or OperationFailed, in one line.
    """
    target = Path(os.path.realpath(os.path.expanduser(path)))
    try:
        _check(target, overwrite)
        content = _content(export, target.suffix.lower())
        if overwrite:
            _replace(target, content)
        else:
            _create(target, content)
    except BackendError:
        raise
    except FileExistsError:
        raise FileExists(f"{clean(str(target))} exists already") from None
    except OSError as error:
        raise OperationFailed(f"{clean(str(target))} cannot be written: {error.strerror}") from None


def _check(target: Path, overwrite: bool) -> None:
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        if not target.parent.is_dir():
            raise InvalidPath(f"there is no folder {clean(str(target.parent))}") from None
        return
    if stat.S_ISDIR(mode):
        raise InvalidPath(f"{clean(str(target))} is a folder")
    if not stat.S_ISREG(mode):
        raise InvalidPath(f"{clean(str(target))} is not a regular file")
    if not overwrite:
        raise FileExists(f"{clean(str(target))} exists already")


def _create(target: Path, content: str) -> None:
    """FileExistsError where somebody has made one meanwhile."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        _fill(descriptor, content)
    except OSError:
        target.unlink()
        raise


def _replace(target: Path, content: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".virt-jobs-", dir=target.parent)
    try:
        os.fchmod(descriptor, stat.S_IMODE(target.stat().st_mode))
        _fill(descriptor, content)
        os.replace(name, target)
    except OSError:
        os.unlink(name)
        raise


def _fill(descriptor: int, content: str) -> None:
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(content)


def _content(export: Export, suffix: str) -> str:
    if suffix == ".json":
        return json.dumps([dict(values) for values in export.values()], indent=2) + "\n"
    if suffix == ".csv":
        rows = list(export.values())
        text = io.StringIO()
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
    return "".join(f"{line.rstrip()}\n" for line in export.lines())
