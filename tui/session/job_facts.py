"""What can be found out about a running job besides its numbers: where it comes from, and what it reads and writes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from backend.backup import Backup
from backend.errors import BackendError
from backend.job_origin import JobOrigin
from backend.model import DiskSource, JobOperation
from tui.session.host import Host
from tui.session.rows import Row

logger = logging.getLogger(__name__)

T = TypeVar("T")
UNSEEN = JobOrigin()


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What is not known is empty."""

    seen: JobOrigin = UNSEEN
    source: DiskSource | None = None
    """What the disk is on, if it is the job of one."""
    backup: Backup | None = None
    """What it is made of, if it is a backup."""

    @property
    def some(self) -> bool:
        """Whether so much is known that another look is not worth it."""
        return self.seen != UNSEEN or self.backup is not None or (self.source is not None and bool(self.source.mirror))


NOTHING = JobFacts()


async def look(host: Host, row: Row) -> JobFacts:
    """What is found out now about the row's job, which it has."""
    assert row.operation is not None
    seen = await _known(host.backend.job_origin(row.job_key, row.operation), row)
    source = await _known(host.backend.disk_source(row.disk_key), row) if row.disk else None
    wanted = row.operation == JobOperation.BACKUP and not row.disk
    backup = await _known(host.backend.backup(row.domain.key), row) if wanted else None
    return JobFacts(seen or UNSEEN, source, backup)


async def _known(answer: Awaitable[T], row: Row) -> T | None:
    try:
        return await answer
    except BackendError as error:
        logger.debug("what the job of %s does is not known: %s", row.name, error)
        return None
