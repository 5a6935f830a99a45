"""The kinds of jobs, as options spell them."""

from __future__ import annotations

from backend.model import BlockOperation, JobOperation, Operation


def operation_word(operation: Operation) -> str:
    """An operation as options spell it: ``migration-out``."""
    return operation.label.replace(" ", "-")


OPERATIONS: dict[str, Operation] = {
    operation_word(operation): operation
    for operation in (
        *JobOperation,
        *(BlockOperation.COPY, BlockOperation.PULL, BlockOperation.COMMIT, BlockOperation.ACTIVE_COMMIT),
    )
}
