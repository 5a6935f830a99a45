"""Converts libvirt's objects, numbers and typed parameters to the model's, and cleans their text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.events import Lifecycle
from backend.job_stats import JobStats, JobType
from backend.model import DomainKey, DomainState
from backend.text import clean

# virsh's words (virsh-domain-monitor.c), indexed by libvirt's numbers; 0 means "unknown" and has no word.
_REASONS: dict[DomainState, tuple[str, ...]] = {
    DomainState.RUNNING: (
        "",
        "booted",
        "migrated",
        "restored",
        "from snapshot",
        "unpaused",
        "migration canceled",
        "save canceled",
        "event wakeup",
        "crashed",
        "post-copy",
        "post-copy failed",
    ),
    DomainState.PAUSED: (
        "",
        "user",
        "migrating",
        "saving",
        "dumping",
        "I/O error",
        "watchdog",
        "from snapshot",
        "shutting down",
        "creating snapshot",
        "crashed",
        "starting up",
        "post-copy",
        "post-copy failed",
        "API error",
    ),
    DomainState.SHUTDOWN: ("", "user"),
    DomainState.SHUTOFF: (
        "",
        "shutdown",
        "destroyed",
        "crashed",
        "migrated",
        "saved",
        "failed",
        "from snapshot",
        "daemon",
    ),
    DomainState.CRASHED: ("", "panicked"),
}
# virsh's words for the details of lifecycle events (virsh-domain-event.c), in lower case.
_DETAILS: dict[Lifecycle, tuple[str, ...]] = {
    Lifecycle.DEFINED: ("added", "updated", "renamed", "snapshot"),
    Lifecycle.UNDEFINED: ("removed", "renamed"),
    Lifecycle.STARTED: ("booted", "migrated", "restored", "snapshot", "event wakeup", "recreated"),
    Lifecycle.SUSPENDED: (
        "paused",
        "migrated",
        "I/O error",
        "watchdog",
        "restored",
        "snapshot",
        "API error",
        "post-copy",
        "post-copy error",
    ),
    Lifecycle.RESUMED: ("unpaused", "migrated", "snapshot", "post-copy", "post-copy failed"),
    Lifecycle.STOPPED: ("shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "snapshot", "recreated"),
    Lifecycle.SHUTDOWN: ("finished", "finished after guest request", "finished after host request"),
    Lifecycle.PMSUSPENDED: ("memory", "disk"),
    Lifecycle.CRASHED: ("panicked", "crashloaded"),
}


def domain_key(domain: Any) -> DomainKey:
    """The identity of a virDomain at the time libvirt returned it. Makes no call to the daemon."""
    return DomainKey(domain.UUIDString(), running_id(domain), clean(domain.name()))


def running_id(domain: Any) -> int | None:
    """The running id of a virDomain at the time libvirt returned it; None: it was not running."""
    number: int = domain.ID()
    return None if number < 0 else number


def reason_word(state: int, reason: int) -> str:
    """virsh's word for why a domain is in `state`; empty without a reason, ``reason 99`` for an unknown number."""
    return _word(_REASONS.get(DomainState(state), ()), reason, "reason") if reason else ""


def detail_word(event: Lifecycle, detail: int) -> str:
    """virsh's word for the detail of a lifecycle event; ``detail 99`` for an unknown number."""
    return _word(_DETAILS[event], detail, "detail")


def job_stats(params: Mapping[str, object]) -> JobStats | None:
    """The statistics in the parameters that ``jobStats`` returned; None: there is no job."""
    job_type = params["type"]
    if not isinstance(job_type, int) or job_type == JobType.NONE:
        return None
    texts = {name: clean(value) for name, value in params.items() if isinstance(value, str)}
    return JobStats.from_params(job_type, {**params, **texts})


def _word(words: tuple[str, ...], number: int, kind: str) -> str:
    return words[number] if 0 <= number < len(words) else f"{kind} {number}"
