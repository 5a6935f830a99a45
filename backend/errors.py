"""One tree of errors. Each carries the hypervisor's own message and code, where it gave one."""

from __future__ import annotations

from backend.model import Operation


class BackendError(Exception):
    """Something could not be done; the text is one line for people."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """libvirt's error number (virErrorNumber), or None."""


class InvalidURI(BackendError):
    """The URI names no backend, or cannot be parsed."""


class NoConnection(BackendError):
    """The hypervisor cannot be reached, or the connection was lost."""


class NotAnswering(BackendError):
    """A call was not answered within its deadline; it was abandoned."""


class NoSuchDomain(BackendError):
    """No domain has that name, uuid or id, or that run of the domain is over."""


class AmbiguousDomain(BackendError):
    """Several hypervisors have a domain of that name, and none of them was chosen."""


class AmbiguousJob(BackendError):
    """Several disks of the domain have a job, and none of them was chosen."""


class NotPermitted(BackendError):
    """The connection is read-only, or the user may not do this."""


class NotSupported(BackendError):
    """The hypervisor, its version or its build cannot do this."""


class OperationFailed(BackendError):
    """The hypervisor tried and failed."""


class OperationCancelled(OperationFailed):
    """The operation was aborted by someone."""


class Unreadable(OperationFailed):
    """A file cannot be looked at, which says nothing about it."""


class FileExists(BackendError):
    """The dump's file exists; a dump, even a failed one, would destroy it."""


class InvalidPath(BackendError):
    """No dump can be written to that path, or none should be."""


class CommandNotFound(BackendError):
    """There is no such command to run."""


class CommandNotExecutable(BackendError):
    """The command is there, but cannot be run."""


class DomainBusy(BackendError):
    """The domain has a job already."""


class DomainNotRunning(BackendError):
    """The domain exists but is not running, so it has nothing to dump or wait for."""


class NoJob(BackendError):
    """The domain has no job to wait for."""


class NoSuchDisk(BackendError):
    """The domain has no disk of that name."""


class JobMismatch(BackendError):
    """The domain's job is not of the expected kind."""

    def __init__(self, want: Operation, have: Operation) -> None:
        super().__init__(f"job mismatch: want {want.label}, have {have.label}")
        self.want = want
        self.have = have


class WaitTimeout(BackendError):
    """A wait timed out; the job is not affected."""


class JournalError(BackendError):
    """The journal of this machine cannot be read or written."""


class JournalTooNew(JournalError):
    """It was written by a newer version of virt-jobs."""


class NotInQueue(BackendError):
    """The queued dump belongs to another process by now, or was removed."""


class WitnessRuns(BackendError):
    """Another process keeps the host's history."""


class JournalWarning(UserWarning):
    """Something about the journal that its user should know, in one line; the call succeeds all the same."""


class InternalError(BackendError):
    """A bug of virt-jobs itself; its traceback is in the log file."""
