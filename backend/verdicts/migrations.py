"""What migrations need beyond the rules for other jobs."""

from __future__ import annotations

from collections.abc import Sequence

from backend.model import JobOperation, Operation
from backend.outcome import Evidence, Verdict
from backend.verdicts.ledger import Sign, proof_by
from backend.verdicts.phase import RECOVERY_GRACE

RECOVERY = (
    "as long as both hosts have the domain, repeating the virsh migrate command with --postcopy --postcopy-resume goes "
    "on with it"
)
"""What can be done about a failed post-copy."""


def completed(operation: Operation, signs: Sequence[Sign]) -> bool:
    """Whether it is a migration out that is known to have succeeded."""
    proof = proof_by(signs, Evidence.LIFECYCLE)
    return operation == JobOperation.MIGRATION_OUT and proof is not None and proof.verdict is Verdict.COMPLETED


def sign_of_failed_postcopy(now: float) -> Sign:
    """That nobody recovered it, which may happen at any later time, as long as the domain is on both hosts."""
    detail = f"Its post-copy failed, and nobody recovered it within {RECOVERY_GRACE:.0f} s: {RECOVERY}."
    return Sign(now, Evidence.NONE, Verdict.UNPROVEN, detail)
