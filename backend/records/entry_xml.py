"""Entries as XML, as a witness puts them into a domain's metadata. What is read may have been written by anybody."""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import fields, replace

from backend.records import entry_fields
from backend.records.codec import InvalidRecord
from backend.records.entry import JobEntry
from backend.text import clean, hide_passwords

logger = logging.getLogger(__name__)

MOST = 8
"""Jobs of one domain that are told of: the latest ones."""
_TEXT = 300
"""Characters of one text that is written."""
_LIMIT = 1 << 16
"""Bytes that are read."""
_ELEMENT, _JOB = "jobs", "job"
_OWN = ("pid", "pid_start", "machine", "boot", "began_uptime", "ended_uptime", "record")
"""What means something only where it was written."""


def to_xml(entries: Sequence[JobEntry]) -> str:
    """The element for the domain's metadata with the jobs that are over, up to MOST of them, the first ones first.

    Anyone can read it there, so a password in the URI is left out, and long texts are cut.
    """
    root = ET.Element(_ELEMENT)
    for entry in [entry for entry in entries if entry.over][:MOST]:
        element = ET.SubElement(root, _JOB)
        shared = replace(entry, uri=hide_passwords(entry.uri))
        for spec in fields(shared):
            value = entry_fields.plain(getattr(shared, spec.name))
            if value not in (None, "") and spec.name not in _OWN:
                element.set(spec.name, clean(str(value))[:_TEXT])
    return ET.tostring(root, encoding="unicode")


def from_xml(text: str) -> list[JobEntry]:
    """The jobs in such an element, cleaned; those that are not valid are left out. InvalidRecord for anything else."""
    if len(text) > _LIMIT or "<!" in text:
        raise InvalidRecord("not the XML of jobs")  # No definitions: there is no limit to what they expand to.
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError) as error:
        raise InvalidRecord(f"not XML: {error}") from None
    if root.tag.rpartition("}")[2] != _ELEMENT:
        raise InvalidRecord(f"not the element {_ELEMENT}")
    entries = []
    for element in root[:MOST]:
        values = {name: clean(value) for name, value in element.attrib.items() if name not in _OWN}
        try:
            entry = entry_fields.from_values(values)
        except InvalidRecord as error:
            logger.debug("a job in a domain's metadata is not valid: %s", error)
            continue
        if entry.over:
            entries.append(entry)
    return entries
