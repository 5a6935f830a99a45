"""Why a command is refused for a domain at the moment, in words. No widgets."""

from __future__ import annotations

from backend.capabilities import Capabilities
from backend.errors import DomainBusy
from backend.job_stats import Postcopy
from backend.model import DomainState
from backend.records.record import JobRecord
from backend.running import objections
from tui.commands.jobs import Wait
from tui.commands.keys import Keys
from tui.session.job_wait import QUEUED
from tui.session.rows import Row

NO_DOMAIN = "no domain is selected"
NO_CONNECTION = "no connection to its hypervisor"
STARTS = "the dump is starting: there is nothing to abort yet"


def dump(row: Row | None, capabilities: Capabilities | None, keys: Keys) -> str | None:
    if row is None:
        return NO_DOMAIN
    if capabilities is None:
        return NO_CONNECTION
    if not row.domain.answering:
        return _silent(row)
    operation = row.progress.stats.operation if row.progress is not None else None
    match objections.to_connection(capabilities) or objections.to_domain(row.domain.key, operation):
        case None:
            return None
        case DomainBusy() as objection:
            return f"{objection}: {keys[Wait]} waits for it"
        case objection:
            return objection.message


def wait(row: Row | None) -> str | None:
    if row is None:
        return NO_DOMAIN
    if row.progress is None and row.view.block_jobs:
        return _of_disks(row)
    if row.progress is not None:
        return None
    return _unknown_job(row) or f"{row.domain.name} has no job to wait for"


def abort(row: Row | None, capabilities: Capabilities | None, record: JobRecord | None) -> str | None:
    """`record`: that of the domain's running dump, if there is one. A queued dump is cancelled instead."""
    if row is None:
        return NO_DOMAIN
    if row.pending:
        return None if row.pending == QUEUED else STARTS
    if capabilities is None:
        return NO_CONNECTION
    if not row.domain.answering:
        return _silent(row)
    if row.progress is None and row.view.block_jobs:
        return _of_disks(row)
    stats = row.progress.stats if row.progress is not None else None
    objection = objections.to_abort(row.domain.key, capabilities, stats, record.request if record else None)
    return objection.message if objection is not None else None


def pivot(row: Row | None, capabilities: Capabilities | None) -> str | None:
    if row is None:
        return NO_DOMAIN
    if capabilities is None:
        return NO_CONNECTION
    if not row.domain.answering:
        return _silent(row)
    if not row.disk and row.view.block_jobs:
        return _of_disks(row)
    stats = row.progress.stats if row.progress is not None else None
    objection = objections.to_pivot(row.domain.key, capabilities, stats)
    return objection.message if objection is not None else None


def _of_disks(row: Row) -> str:
    disks = " or ".join(job.stats.disk or "" for job in row.view.block_jobs)
    return f"{row.domain.name} has no job of its own: go to the one of {disks}, below it"


def migration(row: Row | None, capabilities: Capabilities | None) -> str | None:
    if row is None:
        return NO_DOMAIN
    if capabilities is None:
        return NO_CONNECTION
    if not row.domain.answering:
        return _silent(row)
    stats = row.progress.stats if row.progress is not None else None
    objection = objections.to_helping_migration(row.domain.key, capabilities, stats)
    return objection.message if objection is not None else None


def resume(row: Row | None, capabilities: Capabilities | None) -> str | None:
    if row is None:
        return NO_DOMAIN
    if (unknown := _unknown_job(row)) is not None:
        return unknown
    broken = row.progress is not None and row.progress.stats.postcopy is Postcopy.FAILED
    if broken or row.domain.reason == "post-copy failed":
        return f"{row.domain.name} can only go on when its migration is recovered"
    if row.domain.state is not DomainState.PAUSED:
        return f"{row.domain.name} is not paused"
    if row.progress is not None:
        return f"{row.domain.name} is paused by its running job"
    if capabilities is None:
        return NO_CONNECTION
    return capabilities.resume


def _unknown_job(row: Row) -> str | None:
    """Why nothing depends on the job that is shown; None where it is the present one."""
    if not row.domain.answering:
        return _silent(row)
    return None if row.view.job_known else f"whether {row.domain.name} has a job is not known yet"


def _silent(row: Row) -> str:
    return f"{row.domain.name} does not answer"
