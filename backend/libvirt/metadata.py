"""The shared record: a dump's record in its domain's metadata, where every client of the daemon can read it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import libvirt

from backend.libvirt.errors import INVALID, NO_METADATA
from backend.model import DomainKey

if TYPE_CHECKING:
    from backend.libvirt.connection.connection import Connection
    from backend.records.record import JobRecord

logger = logging.getLogger(__name__)

URN = "urn:virt-jobs:record:1"
"""The XML namespace of the record's element."""
_PREFIX = "virt-jobs"
_WHERE = (URN, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def read(key: DomainKey, connection: Connection) -> JobRecord | None:
    """The domain's record; None if it has none or an invalid one. Blocks. Raises libvirtError."""
    from backend.records import codec

    try:
        return codec.from_xml(connection.handle(key).metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, *_WHERE))
    except codec.InvalidRecord as error:
        logger.warning("the metadata of a domain holds no valid record: %s", error)
        return None
    except libvirt.libvirtError as error:
        if error.get_error_code() in (NO_METADATA, INVALID):
            return None  # It was never written, or it was lost with its run.
        raise


def write(domain: Any, record: JobRecord) -> None:
    """Write the record, replacing an earlier one. Blocks for as long as the domain has a job. Raises libvirtError."""
    from backend.records import codec

    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, codec.to_xml(record), _PREFIX, *_WHERE)
