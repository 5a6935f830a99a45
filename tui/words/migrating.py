"""Whether and when a migration ends, in words: the same sentence wherever it is shown or printed."""

from __future__ import annotations

from collections.abc import Iterator

from backend.job_stats import JobStats
from backend.model import MigrationLimits
from backend.observing.convergence import Convergence, Course
from backend.verdicts.migrations import RECOVERY
from tui.words import units

MIB = 1 << 20
LONGEST_DOWNTIME = 2_000_000
"""ms that QEMU allows at the most."""


def sentence(convergence: Convergence) -> str:
    """Where the migration stands, and why."""
    words = _sentence(convergence)
    return f"{words}; its CPUs are throttled by {convergence.throttle} %" if convergence.throttle else words


def brief(convergence: Convergence) -> str:
    """The same in at most 14 cells."""
    return "needs recovery" if convergence.course is Course.POSTCOPY_FAILED else convergence.course.value


def postcopy_question(domain: str) -> str:
    """Whether to start post-copy, and what is at stake from then on."""
    return (
        f"Let {domain} run on the other host now, and send the rest of its memory after it?\n"
        "This cannot be undone. If the link is cut before all of it is there, the guest stands still until the "
        "migration is recovered; if one of the hosts fails, the guest is lost."
    )


def facts(stats: JobStats, convergence: Convergence | None, limits: MigrationLimits) -> Iterator[tuple[str, str]]:
    """The figures behind the sentence, with their labels."""
    if convergence is None:
        return
    yield "Pass", str(convergence.iteration)
    grows = " (may grow)" if stats.may_grow else ""
    yield "Remaining", f"{units.size(stats.remaining)} of {units.size(stats.total)}{grows}"
    if convergence.dirty_rate is not None and stats.may_grow:
        yield "Dirty rate", units.rate(convergence.dirty_rate)
    limited = limits.bandwidth is not None and stats.may_grow  # Post-copy has a limit of its own.
    limit = f" ({bandwidth_limit(limits.bandwidth or 0)})" if limited else ""
    if convergence.course is not Course.POSTCOPY_FAILED:
        yield "Bandwidth", f"{units.rate(convergence.bandwidth) or 'unknown'}{limit}"
    if stats.may_grow:
        needed = f"{_span(convergence.downtime)} needed, " if convergence.downtime is not None else ""
        allowed = stats.max_downtime if stats.max_downtime is not None else limits.max_downtime
        yield "Downtime", f"{needed}{'an unknown time' if allowed is None else _span(allowed / 1000)} allowed"
    else:
        yield "Post-copy requests", str(stats.memory_postcopy_requests or 0)
    if convergence.throttle:
        yield "CPU throttle", f"{convergence.throttle} %"


def bandwidth_limit(limit: int) -> str:
    """``limited to 4.0 MiB/s``, ``unlimited``."""
    return f"limited to {units.rate(limit)}" if limit else "unlimited"


def _sentence(convergence: Convergence) -> str:
    match convergence.course:
        case Course.FIRST_PASS:
            left = f", {_about(convergence.pass_left)} left of it" if convergence.pass_left is not None else ""
            return f"first pass{left}; what the guest dirties meanwhile is known only then"
        case Course.SECOND_PASS:
            return f"second pass{_at_least(convergence)}: {_rates(convergence)}"
        case Course.CONVERGING if convergence.left is not None:
            return f"converging, {_about(convergence.left)} left"
        case Course.CONVERGING:
            return f"converging{_at_least(convergence)}: {_rates(convergence)}"
        case Course.NOT_CONVERGING:
            return f"not converging: {_rates(convergence)}{_downtimes(convergence)}"
        case Course.POSTCOPY:
            left = f", {_about(convergence.left)} until all of its memory is there" if convergence.left else ""
            return f"post-copy: the guest runs on the other host{left}"
        case Course.POSTCOPY_FAILED:
            return POSTCOPY_FAILED


POSTCOPY_FAILED = f"post-copy failed: the guest stands still until the migration is recovered; {RECOVERY}"


def _at_least(convergence: Convergence) -> str:
    left = convergence.pass_left
    return f", at least {units.duration(left)} left" if left is not None and left >= 1 else ""


def _rates(convergence: Convergence) -> str:
    dirties = units.rate(convergence.dirty_rate)
    carries = units.rate(convergence.bandwidth) or "an unknown rate"
    return f"the guest dirties {dirties}, the link carries {carries}"


def _downtimes(convergence: Convergence) -> str:
    if convergence.downtime is None:
        return ""
    allowed = f", {_span(convergence.max_downtime)} allowed" if convergence.max_downtime is not None else ""
    return f"; needs {_span(convergence.downtime)} of downtime{allowed}"


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else units.milliseconds(seconds)


def _about(seconds: float | None) -> str:
    return f"about {units.duration(seconds or 0.0)}"
