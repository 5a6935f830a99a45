"""Whose QEMU holds the other end of a helper's pipe.

A short dump's QEMU has it for some milliseconds, and looking into every QEMU of the host takes longer. So those whose
domain stands still, or was reported to begin a job, are looked into first and often.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from backend.events import Event, JobBegan, Lifecycle, LifecycleEvent
from backend.libvirt.host.emulators import candidates, emulators, is_emulator
from backend.libvirt.host.iohelper import Helper, pipes_of
from backend.libvirt.host.processes import arguments_of, executable


class PipeWriters:
    """The QEMU processes of one daemon. May be used by any thread."""

    def __init__(self, daemon_owner: int) -> None:
        self._owner = daemon_owner
        self._lock = threading.Lock()
        self._expected: dict[str, None] = {}
        self._processes: dict[str, tuple[Path, str | None]] = {}
        """The QEMU of each domain, as it was when they were last listed."""

    def hear(self, event: Event) -> None:
        """Take in which domains stand still or begin a job."""
        match event:
            case JobBegan(domain, block=False) | LifecycleEvent(domain, Lifecycle.SUSPENDED | Lifecycle.CRASHED):
                self.expect([domain.uuid])
            case LifecycleEvent(domain, Lifecycle.RESUMED | Lifecycle.STOPPED):
                with self._lock:
                    self._expected.pop(domain.uuid, None)

    def expect(self, uuids: Iterable[str]) -> None:
        """These domains stand still, and may be dumped without another event."""
        with self._lock:
            self._expected.update(dict.fromkeys(uuids))

    def likely(self, helper: Helper) -> str | None:
        """The uuid of an expected domain whose QEMU holds the pipe. Quick."""
        with self._lock:
            expected = list(self._expected)
            if any(uuid not in self._processes for uuid in expected):
                self._list()
            processes = [(uuid, *self._processes[uuid]) for uuid in expected if uuid in self._processes]
        for uuid, process, name in reversed(processes):
            if helper.pipe in pipes_of(process) and is_emulator(process, name, self._owner):
                return uuid if _uuid_of(process) == uuid else None
        return None

    def _list(self) -> None:
        self._processes = {
            uuid: (process, name)
            for process, arguments, name in emulators(self._owner)
            if (uuid := dict(pairwise(arguments)).get("-uuid"))
        }
        # One that does not run here is not looked for again.
        self._expected = {uuid: None for uuid in self._expected if uuid in self._processes}

    def all(self, helper: Helper) -> set[str]:
        """The uuids of all domains whose QEMU holds the pipe. Takes some ms, and more where there are many domains."""
        # Most have no part in it, and reading the arguments of a QEMU takes a lock that it may need to start its dump.
        return {
            uuid
            for process, _ in candidates(self._owner)
            if helper.pipe in pipes_of(process) and (uuid := _uuid_of(process)) is not None
        }


def _uuid_of(process: Path) -> str | None:
    """What a QEMU names as its domain; None if it names none, or if others than root can have written what it runs."""
    uuid = dict(pairwise(arguments_of(process))).get("-uuid")
    return uuid if executable(process) is not None else None
