"""How a job ended, in words: the same sentence wherever it is shown, printed or sent."""

from __future__ import annotations

from backend.dump_request import AutomaticDump, DumpCause
from backend.outcome import Evidence, Outcome, Verdict
from backend.text import clean
from tui.words import units
from tui.words.job_names import job_name

SYMBOLS = {Verdict.COMPLETED: "✓", Verdict.FAILED: "✗", Verdict.CANCELLED: "⊘", Verdict.UNPROVEN: "?"}
EVIDENCE_WORDS = {
    Evidence.RESULT: "the dump call's own result",
    Evidence.SHARED: "the record in the domain's metadata, which others can write",
    Evidence.LIFECYCLE: "what the domain did at that moment",
    Evidence.FILE: "the dump's own file",
    Evidence.JOB_EVENT: "the job's own event",
    Evidence.DISK: "what the disk reads and writes since then",
    Evidence.HYPERVISOR: "QEMU's own word, before the file was closed",
    Evidence.STATS: "the job's own stats",
    Evidence.NONE: "nothing that proves how it ended",
}


def summary(outcome: Outcome) -> str:
    """The shortest form: ``dump completed``, ``block copy of vda completed``."""
    return f"{job_name(outcome.operation, outcome.disk)} {outcome.verdict}"


def timed_summary(outcome: Outcome) -> str:
    """The same and how long the job took, where that is known: ``dump completed in 0:23``."""
    return summary(outcome) + _duration(outcome)


def requested(outcome: Outcome) -> str:
    """`` by libvirt (guest panicked)`` for a dump that nobody else requested; empty for all others."""
    automatic = (AutomaticDump(cause).requester for cause in DumpCause)
    return f" by {outcome.requester}" if outcome.requester in automatic else ""


def reason(outcome: Outcome) -> str:
    """Why the job ended as it did: the hypervisor's own message, or else what the verdict rests on.

    Where nothing is proved, a message says less than why it proves nothing.
    """
    if outcome.verdict is Verdict.UNPROVEN and outcome.error not in outcome.detail:
        return f"{outcome.detail} ({outcome.error})"
    return outcome.detail if outcome.verdict is Verdict.UNPROVEN else outcome.error or outcome.detail


def line(outcome: Outcome) -> str:
    """One line for a list about several domains: ``✓ dump completed in 0:23 → /path``, ``✗ dump failed: …``."""
    words = f"{SYMBOLS[outcome.verdict]} {summary(outcome)}"
    if outcome.verdict is not Verdict.COMPLETED:
        return f"{words}: {reason(outcome)}"
    return f"{words}{_duration(outcome)}" + (f" → {outcome.path}" if outcome.path else "")


def news(outcome: Outcome) -> str:
    """The same with what the verdict rests on, unless that is the call's own result: ``… in 0:04 (evidence: file)``."""
    words = f"{SYMBOLS[outcome.verdict]} {summary(outcome)}"
    evidence = "" if outcome.evidence in (Evidence.RESULT, Evidence.NONE) else f" (evidence: {outcome.evidence})"
    if outcome.verdict is not Verdict.COMPLETED:
        return f"{words}: {reason(outcome)}{evidence}"
    return f"{words}{_duration(outcome)}{evidence}" + (f" → {outcome.path}" if outcome.path else "")


def report(outcome: Outcome) -> str:
    """One line for a terminal: ``db-01: dump completed (evidence: result) -> /path (elf) in 0:23``."""
    job = f"{job_name(outcome.operation, outcome.disk)}{requested(outcome)}"
    words = f"{outcome.domain.name}: {job} {outcome.verdict} (evidence: {outcome.evidence})"
    if outcome.verdict is not Verdict.COMPLETED:
        return f"{words}{_duration(outcome)}: {reason(outcome)}"
    return words + (f" -> {clean(outcome.path)} ({outcome.format})" if outcome.path else "") + _duration(outcome)


def title(outcome: Outcome) -> str:
    """The title of a notification: ``db-01: dump completed``."""
    return f"{outcome.domain.name}: {summary(outcome)}"


def _duration(outcome: Outcome) -> str:
    took = f" in {units.duration(outcome.time_elapsed / 1000)}" if outcome.time_elapsed else ""
    return took if outcome.downtime is None else f"{took} with {outcome.downtime} ms of downtime"
