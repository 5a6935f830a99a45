"""What is shared in a domain's metadata, where every client of the daemon can read it.

That is the record of a dump that was requested through virt-jobs and, in another element, the domain's last jobs as the
host's witness saw them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import libvirt

from backend.libvirt.errors import INVALID, NO_METADATA
from backend.model import DomainKey

if TYPE_CHECKING:
    from backend.libvirt.connection.connection import Connection
    from backend.records.entry import JobEntry
    from backend.records.record import JobRecord

logger = logging.getLogger(__name__)

URN = "urn:virt-jobs:record:1"
"""The XML namespace of the record's element."""
CLAIMS_URN = "urn:virt-jobs:jobs:1"
"""The XML namespace of the element with the last jobs that a witness saw."""
_PREFIX = "virt-jobs"
_CLAIMS_PREFIX = "virt-jobs-witness"
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


def read_claims(key: DomainKey, connection: Connection) -> Sequence[JobEntry]:
    """What is told of the domain's last jobs; nothing, if that is not valid. Blocks. Raises libvirtError."""
    from backend.records import codec, entry_xml

    where = libvirt.VIR_DOMAIN_AFFECT_CURRENT
    try:
        domain = connection.conn.lookupByUUIDString(key.uuid)
        return entry_xml.from_xml(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, CLAIMS_URN, where))
    except codec.InvalidRecord as error:
        logger.warning("the metadata of a domain holds no valid jobs: %s", error)
        return ()
    except libvirt.libvirtError as error:
        if error.get_error_code() == NO_METADATA:
            return ()
        raise


def write_claims(domain: Any, claims: Sequence[JobEntry]) -> None:
    """Write what is known of the domain's last jobs, replacing what was there. Blocks while the domain has a job.

    The configuration of a persistent domain gets it as well: a saved or stopped domain has no other metadata. Raises
    libvirtError.
    """
    from backend.records import entry_xml

    where = libvirt.VIR_DOMAIN_AFFECT_CONFIG if domain.isPersistent() else 0
    where |= libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
    element = libvirt.VIR_DOMAIN_METADATA_ELEMENT
    domain.setMetadata(element, entry_xml.to_xml(claims), _CLAIMS_PREFIX, CLAIMS_URN, where)
