"""Commands of the user's own: what they are told, and how they end. No widgets."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from backend.text import clean
from tui.session.rows import Row

MOST = 200
"""Characters of what a command has said that are shown."""
_READ = 4096
"""Bytes at the end of its output in which its last words are looked for."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int
    """That of a shell: 128 and more for a signal."""
    said: str = ""
    """The last line of its output; empty if it wrote none, or to the terminal."""

    @property
    def words(self) -> str:
        """``exit status 3: no such disk``; without a status where that is 0."""
        status = f"exit status {self.status}" if self.status else ""
        return ": ".join(filter(None, [status, self.said]))


def variables(uri: str, host: str, row: Row | None = None, path: str = "") -> dict[str, str]:
    """What a command is told of its host and, if it is about one, the domain or job of `row`; empty where unknown.

    `path`: the file of the row's job.
    """
    domain = row.domain if row is not None else None
    stats = row.progress.stats if row is not None and row.progress is not None else None
    values = {
        "URI": clean(uri),
        "HOST": clean(host),
        "DOMAIN": domain.name if domain is not None else "",
        "UUID": domain.key.uuid if domain is not None else "",
        "ID": "" if domain is None or domain.key.id is None else str(domain.key.id),
        "STATE": domain.state.label if domain is not None else "",
        "REASON": domain.reason if domain is not None else "",
        "OPERATION": stats.operation.label if stats is not None else "",
        "DISK": row.disk if row is not None else "",
        "PATH": clean(path),
        "ELAPSED_MS": str(stats.time_elapsed) if stats is not None else "",
    }
    return {f"VIRT_JOBS_{name}": value for name, value in values.items()}


def shell(command: str) -> list[str]:
    """The arguments that have a shell run it."""
    return ["/bin/sh", "-c", command]


def run_in_background(command: str, values: Mapping[str, str]) -> Ended:
    """Run it without a terminal, in a session of its own: it goes on if the console does not. Blocks; OSError."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            shell(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **values},
        )
        return Ended(shell_status(process.wait()), _last_line(output))


def shell_status(status: int) -> int:
    """The exit status that a shell reports: of a process that was ended by a signal, 128 and the signal."""
    return 128 - status if status < 0 else status


def _last_line(output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - _READ))
    lines = output.read().decode("utf-8", "replace").splitlines()
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return clean(last)[:MOST]
