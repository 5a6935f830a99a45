"""The begin or end of a job, as a line for people and as plain values for JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from backend.observing.job_changes import JobChange
from backend.records import entry_fields
from backend.text import clean
from tui.words import outcomes, units
from tui.words.job_names import job_name


def change_line(change: JobChange, host: str = "") -> str:
    """``2026-11-26 18:20:31  hv1  db-01: dump began``, or how it ended, in the words of `wait`."""
    columns = [units.moment(change.at), *([host] if host else []), _sentence(change)]
    return clean("  ".join(columns))


def change_json(change: JobChange, uri: str) -> dict[str, Any]:
    """`uri` is that of the hypervisor."""
    entry = {"event": "ended" if change.ended else "began"} | entry_fields.to_json(change.entry) | {"uri": uri}
    if not change.ended:
        entry["running"] = change.running
    return entry | {"replayed": change.replayed}


def _sentence(change: JobChange) -> str:
    entry = change.entry
    requester = f", requested by {entry.requester}" if entry.requester else ""
    outcome = entry.outcome if change.ended else None
    if outcome is None:
        state = "is running" if change.running else "began"
        return f"{entry.domain}: {job_name(entry.operation, entry.disk)} {state}{requester}"
    if not outcome.time_elapsed and entry.seconds is not None and (entry.exact or not change.running):
        # libvirt tells nothing of how long the job of a disk takes.
        outcome = replace(outcome, time_elapsed=int(entry.seconds * 1000))
    left_paused = "; the domain was left paused" if outcome.left_paused else ""
    return f"{outcomes.report(outcome)}{left_paused}{requester}"
