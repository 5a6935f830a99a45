"""Why a command is refused for a job that is waited for, in words. No widgets."""

from __future__ import annotations

from backend.running import objections
from tui.commands.commands import Command
from tui.commands.jobs import Abort, Pivot, Resume
from tui.commands.refusals import NO_CONNECTION, STARTS
from tui.session.job_wait import STARTING, JobWait


def refusal(command: type[Command], wait: JobWait) -> str | None:
    """Why `command` cannot be done now; None if it can."""
    refused = {Abort: abort, Pivot: pivot, Resume: resume}.get(command)
    return refused(wait) if refused is not None else None


def abort(wait: JobWait) -> str | None:
    """A queued dump is cancelled instead."""
    if wait.queued:
        return None
    if wait.over:
        return _over(wait)
    if wait.stage == STARTING:
        return STARTS
    capabilities = wait.host.capabilities
    if capabilities is None:
        return NO_CONNECTION
    stats = wait.progress.stats if wait.progress is not None else None
    request = wait.record.request if wait.record is not None else None
    objection = objections.to_abort(wait.domain, capabilities, stats, request)
    return objection.message if objection is not None else None


def pivot(wait: JobWait) -> str | None:
    if wait.over:
        return _over(wait)
    capabilities = wait.host.capabilities
    if capabilities is None:
        return NO_CONNECTION
    stats = wait.progress.stats if wait.progress is not None else None
    objection = objections.to_pivot(wait.domain, capabilities, stats)
    return objection.message if objection is not None else None


def resume(wait: JobWait) -> str | None:
    """Only what the job left paused is resumed here."""
    if not wait.over:
        return f"the {wait.what} is still going on"
    if wait.outcome is None or not wait.outcome.left_paused:
        return f"{wait.name} was not left paused"
    capabilities = wait.host.capabilities
    return NO_CONNECTION if capabilities is None else capabilities.resume


def _over(wait: JobWait) -> str:
    if wait.unstarted:
        return f"the dump of {wait.name} was not started"
    return f"the {wait.what} of {wait.name} is over" if not wait.disk else f"the {wait.what} is over"
