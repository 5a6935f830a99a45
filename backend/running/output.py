"""What a command prints, kept within bounds: its beginning and its end.

It is a folder of pieces, each named by the offset of its first byte. The piece at 0 is kept; of the others, only the
newest. So whatever a command prints, it never takes more than LIMIT bytes of the disk, and what is left out shows.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.records.folder import private_folder

HEAD = 256 << 10
"""Bytes of the beginning that are kept."""
PIECE = 128 << 10
"""Bytes of each other piece."""
NEWEST = 2
"""Of these, so many are kept."""
LIMIT = HEAD + NEWEST * PIECE

logger = logging.getLogger(__name__)


class OutputWriter:
    """Writes such a folder. What cannot be written, such as on a full disk, is left out; nothing is raised."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offset = 0
        self._descriptor: int | None = None
        self._left = 0
        """Bytes that the piece which is being written has room for."""
        self._pieces: list[Path] = []
        """Those that are there, but the first."""
        self._failed = False

    @property
    def total(self) -> int:
        """Bytes that the command has printed."""
        return self._offset

    def write(self, data: bytes) -> None:
        """Add what the command has printed next."""
        # Of a lot at once, nothing is written that would be removed at once.
        skipped = len(data) - (NEWEST + 1) * PIECE if self._offset >= HEAD else 0
        if skipped > 0:
            self.skip(skipped)
            data = data[skipped:]
        view = memoryview(data)
        while view:
            try:
                written = self._write(view)
            except OSError as error:
                if not self._failed:
                    logger.warning("output of a command is lost: %s", error)
                self._failed = True
                self.skip(len(view))
                return
            view = view[written:]

    def skip(self, size: int) -> None:
        """Leave out so many bytes that the command has printed."""
        self.close()
        self._offset += size

    def close(self) -> None:
        """End the piece that is being written; what comes next begins another."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, view: memoryview) -> int:
        if self._descriptor is None or not self._left:
            self.close()
            self._begin_piece()
        assert self._descriptor is not None
        written = os.write(self._descriptor, view[: self._left])
        self._left -= written
        self._offset += written
        return written

    def _begin_piece(self) -> None:
        private_folder(self._folder)
        path = self._folder / str(self._offset)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._left = PIECE if self._offset else HEAD
        if self._offset:
            self._pieces.append(path)
            while len(self._pieces) > NEWEST:
                self._pieces.pop(0).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Gap:
    """Output that was not kept."""

    size: int
    """Bytes."""


class OutputReader:
    """Reads such a folder, also while it is being written."""

    def __init__(self, folder: Path, offset: int = 0) -> None:
        self._folder = folder
        self._offset = offset

    def read(self) -> Iterator[bytes | Gap]:
        """What is there and was not read yet, in order. OSError where it cannot be read."""
        for start in self._starts():
            try:
                with (self._folder / str(start)).open("rb") as piece:
                    size = os.fstat(piece.fileno()).st_size
                    if start + size <= self._offset:
                        continue
                    if start > self._offset:
                        yield Gap(start - self._offset)
                        self._offset = start
                    piece.seek(self._offset - start)
                    data = piece.read()
            except FileNotFoundError:
                continue  # The command has printed so much meanwhile.
            self._offset += len(data)
            yield data

    def skip_to_last(self, size: int) -> int:
        """Read, of all that is there by now, only the last `size` bytes; how many bytes come before these."""
        sizes = {start: (self._folder / str(start)).stat().st_size for start in self._starts()[-1:]}
        end = max((start + length for start, length in sizes.items()), default=0)
        self._offset = max(self._offset, end - size)
        return self._offset

    def _starts(self) -> list[int]:
        try:
            names = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())
