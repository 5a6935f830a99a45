"""A dump that waits for its turn in a console, in words."""

from __future__ import annotations

from collections.abc import Iterator

from backend.dump_request import DumpFlags
from backend.observing.remembered import WaitingDump
from backend.text import clean
from tui.words import units
from tui.words.description import Account, Description, subject

_LEFT = "its console ended first; the next one asks whether to queue it again"


class WaitingDescription(Description):
    """See Description."""

    def __init__(self, dump: WaitingDump) -> None:
        self._dump = dump
        self._record = dump.record

    @property
    def name(self) -> str:
        return self._dump.operation.label

    @property
    def reason(self) -> str:
        return _LEFT if self._dump.left else ""

    @property
    def evidence(self) -> str:
        return ""

    @property
    def path(self) -> str:
        return clean(self._record.path)

    @property
    def format(self) -> str:
        return self._record.format_name

    @property
    def details(self) -> str:
        return self.path

    def account(self) -> Account:
        if self._dump.left:
            return Account(
                "Its console ended before its turn came. The next console that connects to its host asks whether to "
                "queue it again; nothing starts unasked."
            )
        return Account("It waits in the queue of a console, which starts it once enough dumps before it have ended.")

    def facts(self, host: str) -> Iterator[tuple[str, str]]:
        record = self._record
        yield from subject(self._dump, host)
        yield "queued by", f"{clean(record.user)} at {units.moment(record.queued)}"
        if not self._dump.left:
            yield "console", f"pid {record.pid} on {clean(record.host)}"
        yield "file", self.path + (" (replaces an older file)" if record.overwrite else "")
        yield "format", self.format
        if options := (record.flags & ~DumpFlags.MEMORY_ONLY).labels:
            yield "options", ", ".join(options)
