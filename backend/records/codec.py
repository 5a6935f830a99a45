"""Records as XML, as JSON and as plain values. What is read may have been written by anybody: it is checked."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from backend.dump_request import DumpFlags, DumpFormat
from backend.model import JobOperation
from backend.records.record import JobRecord, RecordState
from backend.text import clean, hide_passwords

TEXT_LIMIT = 4096
"""Characters of one text in a record."""
_XML_LIMIT = 1 << 16
_ELEMENT = "job"
_PRIVATE = ("pid_start", "machine", "namespace", "started_uptime", "ended_uptime")
"""What tells virt-jobs which process a record means, and nobody else."""


class InvalidRecord(ValueError):
    """What was read is not a record."""


def to_json(record: JobRecord, state: RecordState) -> dict[str, Any]:
    """Plain values under the fields' names, formats and flags in words; `state` is the one to show."""
    values = asdict(record)
    values.update(operation=record.operation.label, format=record.format_name, flags=record.flags.labels, state=state)
    for name in _PRIVATE:
        del values[name]
    return values


def to_xml(record: JobRecord) -> str:
    """The element for the domain's metadata, without the namespace, which libvirt declares itself.

    Anyone can read it there, so a password in the URI is omitted.
    """
    element = ET.Element(_ELEMENT)
    shared = replace(record, uri=hide_passwords(record.uri))
    for spec in fields(shared):
        value = getattr(shared, spec.name)
        if value is not None and value != "":
            element.set(spec.name, str(int(value)) if isinstance(value, int) else str(value))
    return ET.tostring(element, encoding="unicode")


def from_xml(text: str) -> JobRecord:
    """The record in a metadata element, cleaned. InvalidRecord for anything that is not one."""
    if len(text) > _XML_LIMIT or "<!" in text:
        raise InvalidRecord("not the XML of a record")  # No definitions: there is no limit to what they expand to.
    try:
        element = ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        raise InvalidRecord(f"not XML: {error}") from None
    if element.tag.rpartition("}")[2] != _ELEMENT:
        raise InvalidRecord(f"not the element {_ELEMENT}")
    return from_values({name: clean(value) for name, value in element.attrib.items()})


def from_values(values: Mapping[str, Any]) -> JobRecord:
    """The record in a mapping of field names to texts or numbers. InvalidRecord if one does not fit."""
    return JobRecord(**{"domain_id": None} | converted(values, _CONVERTERS))


def converted(values: Mapping[str, Any], converters: Mapping[str, tuple[Callable[[Any], Any], bool]]) -> dict[str, Any]:
    """The values of those fields that are there. InvalidRecord if one does not fit, or is required and missing.

    `converters`: how a text or a number becomes the value of each field, and whether the field is required.
    """
    fitting: dict[str, Any] = {}
    for name, (convert, required) in converters.items():
        value = values.get(name)
        if value is None:
            if required:
                raise InvalidRecord(f"{name} is missing")
            continue
        try:
            fitting[name] = convert(value)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise InvalidRecord(f"{name} is not valid") from None
    return fitting


def short_text(value: object) -> str:
    """A text of a record. ValueError for one that is too long."""
    result = str(value)
    if len(result) > TEXT_LIMIT:
        raise ValueError("too long")
    return result


def count(value: Any) -> int:
    """A size, or another number that is not negative. ValueError for one that SQLite cannot keep."""
    number = int(value)
    if not 0 <= number < 2**63:
        raise ValueError("out of range")
    return number


def moment(value: Any) -> float:
    """A time in seconds. ValueError for one that no clock shows."""
    seconds = float(value)
    if not 0 <= seconds < 2**40:
        raise ValueError("out of range")
    return seconds


def flag(value: Any) -> bool:
    """Whether it is set. ValueError for what is no number."""
    return bool(count(value))


def _flags(value: Any) -> DumpFlags:
    return DumpFlags(count(value))


def _format(value: Any) -> DumpFormat:
    return DumpFormat(count(value))


def _operation(value: Any) -> JobOperation:
    return JobOperation(count(value))


# Each field: how a text or number becomes its value, and whether it is required.
_CONVERTERS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "id": (short_text, True),
    "uri": (short_text, True),
    "uuid": (short_text, True),
    "domain": (short_text, True),
    "domain_id": (count, False),
    "path": (short_text, True),
    "format": (_format, True),
    "flags": (_flags, True),
    "user": (short_text, True),
    "started": (moment, True),
    "operation": (_operation, False),
    "pid": (count, False),
    "pid_start": (short_text, False),
    "machine": (short_text, False),
    "namespace": (count, False),
    "started_uptime": (moment, False),
    "ended_uptime": (moment, False),
    "state": (RecordState, True),
    "ended": (moment, False),
    "error": (short_text, False),
    "code": (count, False),
    "bytes": (count, False),
}
