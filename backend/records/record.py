"""The record of one dump: what was asked, by whom, when, and its result.

It lives in the journal of the machine that asked, and, as XML, in the domain's own metadata, where every
other client of the hypervisor can read it. What comes from there is untrusted: sizes and types are checked.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from backend.model import (
    DomainKey,
    DumpFlags,
    DumpFormat,
    DumpRequest,
    JobOperation,
    format_name,
)
from backend.text import clean, hide_passwords

_TEXT_LIMIT = 4096
_XML_LIMIT = 1 << 16
_ELEMENT = "job"


class RecordState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its runner died before the call returned: the result was lost with it."""


class InvalidRecord(ValueError):
    """What was read is no record."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One dump, as asked for and, once `ended` is set, as it ended. Times are seconds since the epoch."""

    id: str
    uri: str
    uuid: str
    domain: str
    domain_id: int | None
    path: str
    format: DumpFormat
    flags: DumpFlags
    user: str
    """Who asked: ``root@hv3``."""
    started: float
    operation: JobOperation = JobOperation.DUMP
    pid: int = 0
    """The runner's process on the asking host; 0 before it runs."""
    pid_start: str = ""
    """When that process started, in the host's own terms: tells a recycled pid."""
    state: RecordState = RecordState.STARTING
    ended: float | None = None
    error: str = ""
    code: int | None = None
    bytes: int | None = None
    """Size of the file at the end, where it can be seen."""

    @classmethod
    def of(cls, request: DumpRequest, uri: str) -> Self:
        """A new record for a request of this user on this host, now."""
        return cls(
            id=uuid.uuid4().hex,
            uri=uri,
            uuid=request.domain.uuid,
            domain=request.domain.name,
            domain_id=request.domain.id,
            path=request.path,
            format=request.format,
            flags=request.flags,
            user=f"{_user()}@{socket.gethostname()}",
            started=time.time(),
        )

    @property
    def key(self) -> DomainKey:
        return DomainKey(self.uuid, self.domain_id, self.domain)

    @property
    def request(self) -> DumpRequest:
        return DumpRequest(self.key, self.path, self.format, self.flags)

    @property
    def format_name(self) -> str:
        return format_name(self.format, self.flags)

    @property
    def host(self) -> str:
        return self.user.rpartition("@")[2]

    @property
    def over(self) -> bool:
        """Whether it has a result, or is known to have lost it."""
        return self.state not in (RecordState.STARTING, RecordState.RUNNING)

    def running(self) -> Self:
        """This record with the calling process as its runner."""
        return replace(self, state=RecordState.RUNNING, pid=os.getpid(), pid_start=process_start(os.getpid()))

    def finished(self, state: RecordState, error: str = "", code: int | None = None) -> Self:
        """This record with its result, as of now."""
        size = _size(self.path, state)
        return replace(self, state=state, ended=time.time(), error=error[:_TEXT_LIMIT], code=code, bytes=size)

    def runner_alive(self) -> bool | None:
        """Whether the process that makes the call lives; None where this host cannot tell (another host)."""
        if self.host != socket.gethostname():
            return None
        if not self.pid:
            return None
        return self.pid_start == process_start(self.pid) != ""

    @property
    def known_state(self) -> RecordState:
        """The state, but LOST for one that says "running" while nobody is left who could end it."""
        return RecordState.LOST if not self.over and self.runner_alive() is False else self.state

    def to_json(self) -> dict[str, Any]:
        """Plain values under the fields' names, formats and flags in words."""
        values = asdict(self)
        values.update(operation=self.operation.label, format=self.format_name, flags=self.flags.labels)
        values["state"] = self.known_state
        del values["pid_start"]
        return values

    def to_xml(self) -> str:
        """The element that stands in the domain's metadata, without the namespace, which libvirt declares itself.

        Everybody can read it there: a password in the URI is left out.
        """
        element = ET.Element(_ELEMENT)
        shared = replace(self, uri=hide_passwords(self.uri))
        for spec in fields(self):
            value = getattr(shared, spec.name)
            if value is not None and value != "":
                element.set(spec.name, str(int(value)) if isinstance(value, int) else str(value))
        return ET.tostring(element, encoding="unicode")

    @classmethod
    def from_xml(cls, text: str) -> Self:
        """The record in a metadata element, cleaned. InvalidRecord for anything that is not one."""
        if len(text) > _XML_LIMIT or "<!" in text:
            raise InvalidRecord("not the XML of a record")  # No definitions: what they expand to knows no limit.
        try:
            element = ET.fromstring(text)
        except (ET.ParseError, ValueError) as error:
            raise InvalidRecord(f"not XML: {error}") from None
        if element.tag.rpartition("}")[2] != _ELEMENT:
            raise InvalidRecord(f"not the element {_ELEMENT}")
        return cls.from_values({name: clean(value) for name, value in element.attrib.items()})

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """The record in a mapping of field names to texts or numbers. InvalidRecord if one does not fit."""
        found: dict[str, Any] = {"domain_id": None}
        for name, (convert, required) in _CONVERTERS.items():
            value = values.get(name)
            if value is None:
                if required:
                    raise InvalidRecord(f"{name} is missing")
                continue
            try:
                found[name] = convert(value)
            except (TypeError, ValueError, OverflowError):
                raise InvalidRecord(f"{name} is not valid") from None
        return cls(**found)


def _text(value: object) -> str:
    text = str(value)
    if len(text) > _TEXT_LIMIT:
        raise ValueError("too long")
    return text


def _count(value: Any) -> int:
    number = int(value)
    if not 0 <= number < 2**63:
        raise ValueError("out of range")
    return number


def _moment(value: Any) -> float:
    moment = float(value)
    if not 0 <= moment < 2**40:
        raise ValueError("out of range")
    return moment


def _flags(value: Any) -> DumpFlags:
    return DumpFlags(_count(value))


def _format(value: Any) -> DumpFormat:
    return DumpFormat(_count(value))


def _operation(value: Any) -> JobOperation:
    return JobOperation(_count(value))


# Each field: how a text or number becomes its value, and whether a record can do without it.
_CONVERTERS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "id": (_text, True),
    "uri": (_text, True),
    "uuid": (_text, True),
    "domain": (_text, True),
    "domain_id": (_count, False),
    "path": (_text, True),
    "format": (_format, True),
    "flags": (_flags, True),
    "user": (_text, True),
    "started": (_moment, True),
    "operation": (_operation, False),
    "pid": (_count, False),
    "pid_start": (_text, False),
    "state": (RecordState, True),
    "ended": (_moment, False),
    "error": (_text, False),
    "code": (_count, False),
    "bytes": (_count, False),
}


def process_start(pid: int) -> str:
    """When a process of this host started, as boot id and clock ticks (proc(5)); empty if it does not live."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    state, *rest = status.rpartition(")")[2].split()
    return "" if state in "ZX" else f"{boot}:{rest[18]}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _size(path: str, state: RecordState) -> int | None:
    if state is not RecordState.COMPLETED:
        return None
    try:
        return os.stat(path).st_size
    except OSError:
        return None
