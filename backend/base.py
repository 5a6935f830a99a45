"""The contract between virt-jobs and a hypervisor.

A backend implements the primitives. What is built on them (`start_dump`, `wait`, the watcher) is written once, as
functions that take a backend. Any primitive may raise NoConnection (lost; the backend reconnects by itself while it is
open), NotAnswering (deadline over), NotPermitted and NoSuchDomain (also when that *run* of the domain is over).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from backend.errors import BackendError, NoSuchDomain
from backend.event_stream import EventStream
from backend.model import Capabilities, Domain, DomainKey, DumpRequest, JobOperation, JobStats

if TYPE_CHECKING:
    from backend.credentials import Ask
    from backend.files.target import DumpTarget
    from backend.records.record import JobRecord
    from backend.verdicts.verdict import Outcome


@dataclass(slots=True)
class Traffic:
    """Counted by the backend as it goes; for whoever wants to know what watching costs."""

    calls: int = 0
    """Calls that were answered so far."""
    latency: float | None = None
    """Seconds that the last call took of those that were made alone, with all that it waited for."""

    def answered(self, calls: int, seconds: float) -> None:
        """So many calls were made together, and answered within `seconds`."""
        self.calls += calls
        if calls == 1:
            self.latency = seconds


class Backend(ABC):
    """One connection to a hypervisor; use it with ``async with``, in one event loop."""

    def __init__(self, uri: str, readonly: bool = False) -> None:
        self.uri = uri
        self.readonly = readonly
        self.ask: Ask | None = None
        """Who is asked for what a connection wants to know and only a person does; nobody, unless this is set."""
        self.traffic = Traffic()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @abstractmethod
    async def open(self) -> None:
        """Connect. NoConnection within 5 seconds where nothing answers, CredentialsNeeded where nobody can be asked.

        After an error, or `close`, it may be called again; an attempt that still hangs is taken up, not added to.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of everything; open event streams end. Jobs go on."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this connection can do, known once it is open."""

    @abstractmethod
    async def domains(self) -> list[Domain]:
        """Every domain, running or not, in the hypervisor's order."""

    @abstractmethod
    async def job(self, domain: DomainKey) -> JobStats | None:
        """The stats of the domain's current job; None without one.

        DomainNotRunning where it is not running; OperationFailed where the hypervisor reports the job's
        own failure instead of its stats ("dump query failed, status=3").
        """

    async def jobs(self, domains: Iterable[DomainKey]) -> Mapping[DomainKey, JobStats | BackendError | None]:
        """`job` for many domains, each with its stats, None, or its error.

        One that does not answer costs the others no more than one deadline.
        """
        found: dict[DomainKey, JobStats | BackendError | None] = {}
        for domain in domains:
            try:
                found[domain] = await self.job(domain)
            except BackendError as error:
                found[domain] = error
        return found

    @abstractmethod
    async def last_job(self, domain: DomainKey) -> JobStats | None:
        """The stats that the last job left, if any; never consumed, and of no provable age."""

    @abstractmethod
    async def call_dump(self, request: DumpRequest) -> None:
        """Dump, and return when the hypervisor's own call has: this alone is authoritative.

        Takes as long as the job, has no deadline, and is for the runner; see `backend.running.start`.
        OperationFailed with the hypervisor's reason, OperationCancelled if it was aborted, NotSupported,
        DomainBusy. Cancelling the task does not touch the job.
        """

    @abstractmethod
    async def abort(self, domain: DomainKey) -> None:
        """Ask the hypervisor to abort the domain's job. That it was taken says nothing of how the job ends.

        NoJob without one, NotSupported for a job that cannot be aborted.
        """

    async def job_result(self, domain: DomainKey, operation: JobOperation | None) -> Outcome | None:
        """How the domain's job ends, from a hypervisor that can be asked to wait for it.

        None from those that cannot, as libvirt; NotSupported where it cannot wait for that `operation`.
        """
        return None

    @abstractmethod
    async def resume(self, domain: DomainKey) -> None:
        """Let a paused domain run again. OperationFailed with the hypervisor's reason."""

    @abstractmethod
    async def record(self, domain: DomainKey) -> JobRecord | None:
        """The record shared through the hypervisor for this domain; untrusted, possibly of an earlier dump."""

    @abstractmethod
    async def publish(self, record: JobRecord) -> None:
        """Share `record` through the hypervisor. BackendError where that is refused or impossible."""

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        """The file that the domain's running dump is written to, held open.

        Whoever asked for the dump. None where this machine or this user cannot see it.
        """
        return None

    @abstractmethod
    def events(self) -> EventStream:
        """A stream of everything that the hypervisor tells from this moment on."""

    async def find(self, name: str) -> Domain:
        """The domain with that running id, uuid or name, looked for in this order, as virsh does. Else NoSuchDomain."""
        found = called(name, await self.domains())
        if found is None:
            raise NoSuchDomain(f"no domain {name!r} on {self.uri}")
        return found


def called(name: str, domains: Sequence[Domain]) -> Domain | None:
    """The one of `domains` that virsh would take for `name`: by running id, else by uuid, else by name."""
    for matches in (
        (domain for domain in domains if domain.active and str(domain.key.id) == name),
        (domain for domain in domains if domain.key.uuid == name.lower()),
        (domain for domain in domains if domain.name == name),
    ):
        if (found := next(matches, None)) is not None:
            return found
    return None
