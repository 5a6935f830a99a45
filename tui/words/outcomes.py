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
    """The same and how long the job took, where that is known: ``dump completed in 3.4 s``, ``dump failed after …``."""
    return summary(outcome) + _duration(outcome, "in" if outcome.verdict is Verdict.COMPLETED else "after")


def evidence(outcome: Outcome) -> str:
    """What the verdict rests on, in one sentence.

    ``The dump call returned success; source: the dump call's own result.``
    """
    return f"{outcome.detail.rstrip('.')}; source: {EVIDENCE_WORDS[outcome.evidence]}."


def rate(outcome: Outcome) -> float | None:
    """The bytes that a completed job wrote or sent each second, on average; None where that is not known."""
    if outcome.verdict is not Verdict.COMPLETED or not outcome.bytes or not outcome.time_elapsed:
        return None
    return outcome.bytes / outcome.time_elapsed * 1000


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
    """One line for a list about several domains.

    ``✓ dump completed in 3.4 s, 1.1 GiB at 330 MiB/s → /path``, ``✗ dump failed: …``.
    """
    words = f"{SYMBOLS[outcome.verdict]} {summary(outcome)}"
    if outcome.verdict is not Verdict.COMPLETED:
        return f"{words}: {reason(outcome)}"
    return f"{words}{_measures(outcome)}" + (f" → {outcome.path}" if outcome.path else "")


def news(outcome: Outcome) -> str:
    """The same without sizes, with what the verdict rests on unless that is the call's own result.

    ``✓ dump completed in 4.2 s (evidence: file) → /path``.
    """
    job = f"{job_name(outcome.operation, outcome.disk)}{requested(outcome)}"
    words = f"{SYMBOLS[outcome.verdict]} {job} {outcome.verdict}"
    evidence = "" if outcome.evidence in (Evidence.RESULT, Evidence.NONE) else f" (evidence: {outcome.evidence})"
    if outcome.verdict is not Verdict.COMPLETED:
        return f"{words}: {reason(outcome)}{evidence}"
    return f"{words}{_duration(outcome)}{evidence}" + (f" → {outcome.path}" if outcome.path else "")


def report(outcome: Outcome) -> str:
    """One line for a terminal.

    ``db-01: dump completed (evidence: result) -> /path (elf) in 3.4 s, 1.1 GiB at 330 MiB/s``.
    """
    job = f"{job_name(outcome.operation, outcome.disk)}{requested(outcome)}"
    words = f"{outcome.domain.name}: {job} {outcome.verdict} (evidence: {outcome.evidence})"
    if outcome.verdict is not Verdict.COMPLETED:
        return f"{words}{_duration(outcome)}: {reason(outcome)}"
    return words + (f" -> {clean(outcome.path)} ({outcome.format})" if outcome.path else "") + _measures(outcome)


def title(outcome: Outcome) -> str:
    """The title of a notification: ``db-01: dump completed``."""
    return f"{outcome.domain.name}: {summary(outcome)}"


def _measures(outcome: Outcome) -> str:
    """How long a completed job took, how much it wrote or sent, and how fast, as far as that is known."""
    if not outcome.bytes:
        return _duration(outcome)
    speed = f" at {units.rate(average)}" if (average := rate(outcome)) is not None else ""
    return f"{_duration(outcome)}, {units.size(outcome.bytes)}{speed}"


def _duration(outcome: Outcome, word: str = "in") -> str:
    took = f" {word} {units.took(outcome.time_elapsed / 1000)}" if outcome.time_elapsed else ""
    return took if outcome.downtime is None else f"{took} with {outcome.downtime} ms of downtime"
