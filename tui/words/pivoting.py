"""What a pivot means, for the user who is about to do it."""

from __future__ import annotations

from collections.abc import Sequence

from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskSource


def question(domain: str, stats: JobStats, source: DiskSource | None) -> str:
    """Whether to let the disk continue on what its job has mirrored to. `source`: what it is on now, where known."""
    return f"Pivot {stats.disk} of {domain}?\n{consequence(stats, source)}"


def question_about_several(names: Sequence[str], skipped: Sequence[tuple[str, str]]) -> str:
    """The same for several disks; `skipped`: the names of others, and why they cannot be pivoted."""
    lines = [f"Pivot {', '.join(names)}?", "Each guest continues on the image that its disk was mirrored to."]
    return "\n".join([*lines, *(f"Skipped {name}: {reason}" for name, reason in skipped)])


def consequence(stats: JobStats, source: DiskSource | None) -> str:
    """What the guest is on afterwards, and what becomes of the image that it is on now."""
    images = (source.mirror, source.source) if source is not None and source.mirror is not None else None
    if stats.operation == BlockOperation.ACTIVE_COMMIT:
        target, left = images or ("the image below", "the present image")
        return f"The guest continues on {target}, which has everything that is in {left}."
    target, left = images or ("the copy", "the present image")
    return f"The guest continues on {target}. What it writes from then on is no longer written to {left}."
