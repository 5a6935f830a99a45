"""Where a running job comes from, by the processes of this host: the helper that writes its file, and the program that
waits for it. Of the latter only virsh is looked for, which runs until its call returns.

libvirt does not tell who requested a job. A command line says what its program was started for; who it belongs to and
what it executes, the kernel says. So nobody can put a request into somebody else's mouth.
"""

from __future__ import annotations

import math
import os
import pwd
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from backend.job_origin import Client, JobOrigin
from backend.libvirt.host.iohelper import written_path
from backend.libvirt.host.processes import executable, owner, processes
from backend.model import BlockOperation, DiskKey, DomainKey, JobKey, JobOperation, Operation

PROGRAM = "virsh"
SHARED = 0.05
"""Seconds for which a look at all processes is good."""
COMMANDS: Mapping[Operation, tuple[str, ...]] = {
    JobOperation.START: ("start", "create"),
    JobOperation.SAVE: ("save", "managedsave"),
    JobOperation.RESTORE: ("restore", "start"),
    JobOperation.MIGRATION_OUT: ("migrate",),
    JobOperation.SNAPSHOT: ("snapshot-create", "snapshot-create-as"),
    JobOperation.SNAPSHOT_REVERT: ("snapshot-revert",),
    JobOperation.SNAPSHOT_DELETE: ("snapshot-delete",),
    JobOperation.DUMP: ("dump",),
    BlockOperation.PULL: ("blockpull",),
    BlockOperation.COPY: ("blockcopy",),
    BlockOperation.COMMIT: ("blockcommit",),
    BlockOperation.ACTIVE_COMMIT: ("blockcommit",),
}
"""virsh's commands for each operation that their call, or they with ``--wait``, see to its end."""


def origin_of(key: JobKey, operation: Operation, daemon_owner: int) -> JobOrigin:
    """What can be seen of the running job. Takes some ms."""
    domain, disk = (key.domain, key.disk) if isinstance(key, DiskKey) else (key, None)
    streams = operation in (JobOperation.DUMP, JobOperation.SAVE)
    path = written_path(domain.uuid, daemon_owner) if streams else ""
    return JobOrigin(path, client_of(domain, operation, disk))


def client_of(domain: DomainKey, operation: Operation, disk: str | None) -> Client | None:
    """The only program that asks for that job; None without one, or with several. Takes some ms."""
    found = [
        client
        for process, arguments in _programs.now()
        if (command := requested(arguments, domain, operation, disk)) and (client := _client(process, command))
    ]
    return found[0] if len(found) == 1 else None


class _Programs:
    """The processes that call themselves virsh. Many who look at the same time share a look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[tuple[Path, list[str]]] = []
        self._seen_at = -math.inf

    def now(self) -> list[tuple[Path, list[str]]]:
        with self._lock:
            if time.monotonic() - self._seen_at > SHARED:
                named = ((process, words) for process, words in processes() if os.path.basename(words[0]) == PROGRAM)
                self._seen, self._seen_at = list(named), time.monotonic()
            return self._seen


_programs = _Programs()


def requested(
    arguments: Sequence[str], domain: DomainKey, operation: Operation, disk: str | None
) -> tuple[str, str] | None:
    """The command in such a command line, and the peer that it names, if it asks for that job."""
    commands = COMMANDS.get(operation, ())
    at = next((index for index, word in enumerate(arguments[1:], 1) if word in commands), None)
    if at is None:
        return None
    words = [word.partition("=")[2] if word.startswith("--") and "=" in word else word for word in arguments[at + 1 :]]
    if not {domain.name, domain.uuid, str(domain.id)}.intersection(words) or (disk is not None and disk not in words):
        return None
    return arguments[at], next((word for word in words if "://" in word), "")


def _client(process: Path, command: tuple[str, str]) -> Client | None:
    uid = owner(process)
    if uid is None or executable(process) != PROGRAM:
        return None
    name, peer = command
    return Client(f"{PROGRAM} {name}", int(process.name), _user(uid), peer)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
