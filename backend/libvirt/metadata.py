"""The record of a dump in the metadata of its domain, where every other client of the daemon can read it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import libvirt

from backend.libvirt.connection.link import Link
from backend.libvirt.errors import INVALID, NO_METADATA
from backend.model import DomainKey

if TYPE_CHECKING:
    from backend.records.record import JobRecord

logger = logging.getLogger(__name__)

URN = "urn:virt-jobs:record:1"
"""The XML namespace of the record's element."""
_PREFIX = "virt-jobs"
_WHERE = (URN, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def read(key: DomainKey, link: Link) -> JobRecord | None:
    """The record that the domain has, if what it has is one. Blocks."""
    from backend.records.record import InvalidRecord, JobRecord

    try:
        return JobRecord.from_xml(link.handle(key).metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, *_WHERE))
    except InvalidRecord as error:
        logger.warning("the metadata of a domain holds no valid record: %s", error)
        return None
    except libvirt.libvirtError as error:
        if error.get_error_code() in (NO_METADATA, INVALID):
            return None  # Nobody has written one, or it went away with that run.
        raise


def write(domain: Any, record: JobRecord) -> None:
    """Put the record there, in place of an earlier one. Blocks, and for as long as the domain has a job."""
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, record.to_xml(), _PREFIX, *_WHERE)
