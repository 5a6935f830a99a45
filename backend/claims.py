"""A result that the shared record claims, held against what was seen of the job.

Whoever may change a domain can write its shared record, so a claim is believed only where nothing speaks against it.
"""

from __future__ import annotations

from backend.dumpfile import DumpFile
from backend.record import JobRecord
from backend.verdict import Evidence, Outcome, Verdict

Proof = tuple[Evidence, Verdict, str, str]
"""What is known, how it ended by that, one sentence, the hypervisor's message."""


def weighed(claim: JobRecord, seen: Proof | None, file: DumpFile | None) -> Proof | None:
    """What is known once the claim is, too. `seen` is the best that the job itself proved, `file` its own file."""
    claimed = Outcome.of_record(claim, shared=True)
    if claimed is None or (file is not None and file.path != claim.path):
        return seen  # It claims no result, or that of another dump.
    if claimed.verdict is Verdict.COMPLETED:
        contrary = f"The shared record of {claim.user} claims that it completed."
        if seen is not None and seen[1] is Verdict.FAILED:
            evidence, verdict, detail, error = seen
            return evidence, verdict, f"{detail} {contrary}", error
        if seen is not None and seen[1] is Verdict.CANCELLED:
            return Evidence.SHARED, Verdict.UNPROVEN, f"{contrary} But: {seen[2]}", ""
        if file is not None and file.whole is False:
            return Evidence.SHARED, Verdict.UNPROVEN, f"{contrary} But its file is not whole: {file.detail}", ""
    return Evidence.SHARED, claimed.verdict, claimed.detail, claimed.error
