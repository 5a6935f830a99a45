"""The exit codes of commands, and the errors and verdicts behind each."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from backend.errors import (
    AmbiguousDomain,
    AmbiguousJob,
    BackendError,
    CommandNotExecutable,
    CommandNotFound,
    DomainNotRunning,
    FileExists,
    InternalError,
    InvalidPath,
    InvalidURI,
    JobMismatch,
    NoConnection,
    NoJob,
    NoSuchDisk,
    NoSuchDomain,
    NotAnswering,
    NotPermitted,
    OperationCancelled,
    Unreadable,
    WaitTimeout,
)

if TYPE_CHECKING:
    from backend.outcome import Outcome


class Exit(IntEnum):
    COMPLETED = 0
    FAILED = 1
    USAGE = 2
    NO_JOB = 3
    MISMATCH = 4
    CANCELLED = 5
    UNPROVEN = 6
    UNREACHABLE = 7
    INTERNAL = 70
    TIMEOUT = 124
    NOT_EXECUTABLE = 126
    NOT_FOUND = 127
    DETACHED = 130


_BY_ERROR: tuple[tuple[type[BackendError], Exit], ...] = (
    (Unreadable, Exit.UNPROVEN),
    (InvalidURI, Exit.USAGE),
    (AmbiguousDomain, Exit.USAGE),
    (AmbiguousJob, Exit.USAGE),
    (FileExists, Exit.USAGE),
    (InvalidPath, Exit.USAGE),
    (NoJob, Exit.NO_JOB),
    (DomainNotRunning, Exit.NO_JOB),
    (JobMismatch, Exit.MISMATCH),
    (OperationCancelled, Exit.CANCELLED),
    (NoConnection, Exit.UNREACHABLE),
    (NotAnswering, Exit.UNREACHABLE),
    (NoSuchDisk, Exit.UNREACHABLE),
    (NoSuchDomain, Exit.UNREACHABLE),
    (NotPermitted, Exit.UNREACHABLE),
    (InternalError, Exit.INTERNAL),
    (WaitTimeout, Exit.TIMEOUT),
    (CommandNotExecutable, Exit.NOT_EXECUTABLE),
    (CommandNotFound, Exit.NOT_FOUND),
)


WORST_FIRST = (
    Exit.USAGE,
    Exit.FAILED,
    Exit.CANCELLED,
    Exit.INTERNAL,
    Exit.UNPROVEN,
    Exit.UNREACHABLE,
    Exit.MISMATCH,
    Exit.NO_JOB,
    Exit.TIMEOUT,
    Exit.COMPLETED,
)
"""The order of severity for a command about several domains: known failures come before unknown results, and those
before jobs that are still running."""


def worst(codes: Iterable[Exit]) -> Exit:
    """The exit code of a command about several domains, given the code of each."""
    return min(codes, key=WORST_FIRST.index)


def of_error(error: BackendError) -> Exit:
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.FAILED)


def of_outcome(outcome: Outcome, trust_qemu: bool = False) -> Exit:
    """`trust_qemu` accepts QEMU's own "completed" as proof."""
    from backend.outcome import Evidence, Verdict

    if trust_qemu and outcome.verdict is Verdict.UNPROVEN and outcome.evidence is Evidence.HYPERVISOR:
        return Exit.COMPLETED
    return Exit[outcome.verdict.name]
