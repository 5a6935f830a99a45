"""The contract between virt-jobs and a hypervisor: its primitives, and nothing that is built on them.

What is built on it (starting dumps, waiting, watching) is written once, as functions that take a backend.

Every call may raise NoConnection (lost; the backend reconnects by itself while it is open), NotAnswering (it was not
answered within the backend's own deadline and was abandoned) and NotPermitted. A call about a domain raises
NoSuchDomain also when that *run* of the domain is over. Sizes are bytes and times milliseconds, unless said otherwise.
Text from the hypervisor comes back cleaned (`backend.text.clean`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from backend.backup import Backup
from backend.capabilities import Capabilities
from backend.dump_request import AutomaticDump, DumpRequest
from backend.errors import BackendError, NoConnection, NoSuchDomain, NotAnswering, NotSupported
from backend.event_stream import EventStream
from backend.job_origin import JobOrigin
from backend.job_stats import JobStats
from backend.model import DiskKey, DiskSource, Domain, DomainKey, JobKey, MigrationLimits, Operation
from backend.status import LOOKS, Status, StatusAnswer

if TYPE_CHECKING:
    from backend.credentials import Ask
    from backend.files.target import DumpTarget
    from backend.outcome import Outcome
    from backend.records.entry import JobEntry
    from backend.records.record import JobRecord


JobAnswer = JobStats | BackendError | None
"""What a look at one job gives: its stats, None without a job, or why there is no answer."""
BlockJobsAnswer = Sequence[JobStats] | BackendError
"""The stats of the jobs of a domain's disks, in the order of the disks, or why there is no answer."""


@dataclass(slots=True)
class Traffic:
    """What a backend has cost its hypervisor so far."""

    calls: int = 0
    """Calls that were answered."""
    latency: float | None = None
    """Seconds that the last call took that was made alone, its time in queues included."""

    def answered(self, calls: int, seconds: float) -> None:
        """Count `calls` that were made together and answered within `seconds`."""
        self.calls += calls
        if calls == 1:
            self.latency = seconds


class Backend(ABC):
    """One connection to a hypervisor; use it with ``async with``, in one event loop."""

    def __init__(self, uri: str, readonly: bool = False) -> None:
        self.uri = uri
        self.readonly = readonly
        self.ask: Ask | None = None
        """Asks the user for credentials while connecting; None: the user is not asked."""
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
        """Connect. NoConnection within 5 seconds if nothing answers, CredentialsNeeded if the user cannot be asked.

        It may be called again after an error or `close`. An attempt that still hangs is resumed: there is never a
        second one beside it.
        """

    @abstractmethod
    async def close(self) -> None:
        """Disconnect; open event streams end. Jobs continue."""

    @property
    def until_retry(self) -> float | None:
        """Seconds until it tries to reconnect; None while it is connected or tries, and where that is not known."""
        return None

    def retry(self) -> None:
        """Try to reconnect now, if it waits to."""
        return

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this connection can do, and why not the rest; known once it is open. Never blocks."""

    @abstractmethod
    async def domains(self) -> list[Domain]:
        """Every domain, running or not, in the hypervisor's order.

        One that does not answer is listed all the same, with `answering` False.
        """

    @abstractmethod
    async def job(self, key: JobKey) -> JobStats | None:
        """The stats of the domain's own job, or of the disk's; None without one, or without such a disk.

        DomainNotRunning where it is not running. OperationFailed where the hypervisor reports the job's own failure
        instead of its stats ("dump query failed, status=3").
        """

    async def jobs(
        self, keys: Iterable[JobKey], on_answer: Callable[[JobKey, JobAnswer], None] | None = None
    ) -> Mapping[JobKey, JobAnswer]:
        """`job` for many jobs, each with its stats, None, or its error.

        `on_answer` gets each answer as soon as it is there, in the event loop. A domain that does not answer delays
        the answers of the others no longer than its own deadline, and what `on_answer` gets of them hardly at all.
        """
        answers: dict[JobKey, JobAnswer] = {}
        for key in keys:
            try:
                answers[key] = await self.job(key)
            except BackendError as error:
                answers[key] = error
            if on_answer is not None:
                on_answer(key, answers[key])
        return answers

    async def block_jobs(self, domains: Iterable[DomainKey]) -> Mapping[DomainKey, BlockJobsAnswer]:
        """The jobs of all disks of many domains, but for those that are part of a domain's own job, as of a backup."""
        return {domain: () for domain in domains}

    async def statuses(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, StatusAnswer], None] | None = None
    ) -> Mapping[DomainKey, StatusAnswer]:
        """The state of each domain with its own job, both of the same moment, as `domains` and `job` are not.

        Of a domain whose run is over it is the status of its present run. `on_answer`: as for `jobs`.
        """
        left, answers = list(domains), dict[DomainKey, StatusAnswer]()
        before = {domain.key.uuid: domain for domain in await self.domains()}
        for _ in range(LOOKS):  # What did not change meanwhile is of one moment.
            present = [domain.key for key in left if (domain := before.get(key.uuid)) is not None and domain.active]
            jobs = await self.jobs(present)
            after = {domain.key.uuid: domain for domain in await self.domains()}
            answers |= {key: _status(key, after.get(key.uuid), jobs) for key in left}
            left = [key for key in left if before.get(key.uuid) != after.get(key.uuid)]
            if not left:
                break
            before = after
        for key, answer in answers.items():
            if on_answer is not None:
                on_answer(key, answer)
        return answers

    async def disks(self, domain: DomainKey) -> Sequence[str] | None:
        """The names of the domain's disks that may have jobs, in order; None where the hypervisor does not tell."""
        return None

    async def disk_source(self, key: DiskKey) -> DiskSource | None:
        """What the disk reads and writes now; None without such a disk, or where the hypervisor does not tell."""
        return None

    async def backup(self, domain: DomainKey) -> Backup | None:
        """What the domain's running backup is made of; None without one, or where the hypervisor does not tell."""
        return None

    @abstractmethod
    async def last_job(self, domain: DomainKey) -> JobStats | None:
        """The stats that the last finished job left; None if it left none.

        Reading keeps them for others. They have no provable age: they may be an earlier job's.
        """

    @abstractmethod
    async def call_dump(self, request: DumpRequest) -> None:
        """Dump, and return when the hypervisor's own call has returned: this alone is authoritative.

        Takes as long as the job and has no deadline. It overwrites what is at the path. OperationFailed with the
        hypervisor's reason, OperationCancelled if it was aborted, NotSupported, DomainBusy, DomainNotRunning.
        Cancelling the task does not touch the job.
        """

    @abstractmethod
    async def abort(self, key: JobKey, postcopy: bool = False) -> None:
        """Request that the job be aborted. Returns once that is accepted, which does not say how the job ends.

        NoJob without one, NotSupported for a job that cannot be aborted. A migration in its post-copy phase is aborted
        only with `postcopy`: both sides are left paused then, until the migration is recovered.
        """

    async def pivot(self, key: DiskKey) -> None:
        """Request that the disk continue on what its job has mirrored to, which ends the job.

        NoJob without one, OperationFailed where it is not ready, NotSupported for one that does not mirror.
        """
        raise NotSupported(f"{self.uri} has no jobs of disks")

    async def migration_limits(self, domain: DomainKey) -> MigrationLimits:
        """What the domain's migration out, running or future, has to keep to."""
        return MigrationLimits()

    async def limit_migration(self, domain: DomainKey, limits: MigrationLimits) -> None:
        """Change those of the limits that are not None. NoJob where it needs a running migration and there is none."""
        raise NotSupported(f"{self.uri} has no limits of migrations")

    async def start_postcopy(self, domain: DomainKey) -> None:
        """Let the guest run on the other host at once, and send the rest of its memory after it.

        NoJob without a migration out, NotSupported or OperationFailed where it was not begun for that.
        """
        raise NotSupported(f"{self.uri} has no post-copy")

    async def job_result(self, domain: DomainKey, operation: Operation | None) -> Outcome | None:
        """How the domain's job ended, from a hypervisor that can wait for it; takes as long as the job.

        `operation` is the expected one, None for any. None from a hypervisor that cannot wait, such as libvirt;
        NotSupported where it cannot wait for that operation.
        """
        return None

    @abstractmethod
    async def resume(self, domain: DomainKey) -> None:
        """Let a paused domain run again; returns when it does. OperationFailed with the hypervisor's reason."""

    @abstractmethod
    async def record(self, domain: DomainKey) -> JobRecord | None:
        """The record shared through the hypervisor for this domain; None without a valid one.

        It is untrusted, and may be that of an earlier dump.
        """

    @abstractmethod
    async def publish(self, record: JobRecord) -> None:
        """Share `record` through the hypervisor, in place of an earlier one. May block while the domain has a job.

        BackendError where that is refused or impossible.
        """

    async def claims(self, domain: DomainKey) -> Sequence[JobEntry]:
        """The domain's last jobs as a witness published them through the hypervisor, the last one first.

        It is untrusted: anyone who may modify the domain can have written it, in anybody's name.
        """
        return ()

    async def publish_claims(self, domain: DomainKey, claims: Sequence[JobEntry]) -> None:
        """Share what is known of the domain's last jobs, which are over, in place of what was shared before.

        Only the first few are shared, and it outlives the run of a domain that is not transient. DomainBusy while the
        domain has a job. BackendError where it is refused or impossible.
        """
        raise NotSupported(f"{self.uri} shares nothing about jobs")

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        """The file that the domain's running dump is written to, held open, no matter who requested the dump.

        None if no dump is running, or if this machine or this user cannot identify the file for certain.
        """
        return None

    async def last_dump_target(self, domain: DomainKey) -> DumpTarget | None:
        """The file of the domain's dump that has just ended, held since that was running; None where none was held."""
        return None

    async def automatic_dump(self, domain: DomainKey) -> AutomaticDump | None:
        """The domain's running dump, if the hypervisor itself began it; None where anybody else may have.

        It is told only for certain, which may be some time after the dump began, or never.
        """
        return None

    async def job_origin(self, key: JobKey, operation: Operation) -> JobOrigin:
        """What this machine can see of where the running job comes from, and what it writes. For people only."""
        return JobOrigin()

    async def io_errors(self, domain: DomainKey) -> Sequence[str]:
        """What does not work of the domain's disks now, each in a few words (``vda: no space left``)."""
        return ()

    async def xml(self, domain: DomainKey) -> str:
        """The domain's description without secrets, of whichever run it is in; of one that is not running, its
        configuration. Lines end with a newline, and each is cleaned. NotSupported where there is none.
        """
        raise NotSupported(f"{self.uri} has no XML of its domains")

    async def messages(self, domain: DomainKey) -> Sequence[str]:
        """What the hypervisor reports about the domain, in its own words: taints, deprecated settings, I/O errors.

        NotSupported where it reports nothing of that kind.
        """
        raise NotSupported(f"{self.uri} has no messages about its domains")

    async def log_file(self, domain: DomainKey) -> Path:
        """The file on this machine that the domain's process and the hypervisor log to, in whichever run it is.

        The file need not exist, and this user need not be allowed to read it. Its content is not cleaned. NotSupported
        where there is none, or where it is on another machine, which the reason says.
        """
        raise NotSupported(f"{self.uri} has no logs of its domains")

    @abstractmethod
    def events(self) -> EventStream:
        """A stream of everything that the hypervisor reports from this moment on."""

    async def find(self, name: str) -> Domain:
        """The domain with that running id, uuid or name, tried in this order, as virsh does. Else NoSuchDomain."""
        match = find_domain(name, await self.domains())
        if match is None:
            raise NoSuchDomain(f"no domain {name!r} on {self.uri}")
        return match


def _status(key: DomainKey, domain: Domain | None, jobs: Mapping[JobKey, JobAnswer]) -> StatusAnswer:
    """What a look at the jobs and one at the domain, which did not change, say together."""
    if domain is None:
        return NoSuchDomain(f"{key.name} is gone")
    job = jobs.get(domain.key)
    if isinstance(job, NotAnswering | NoConnection):
        return job
    return Status(domain, job) if domain.answering else NotAnswering(f"{domain.name}: no answer")


def find_domain(name: str, domains: Sequence[Domain]) -> Domain | None:
    """The one of `domains` that virsh would take for `name`: by running id, else by uuid, else by name."""
    for matches in (
        (domain for domain in domains if domain.active and str(domain.key.id) == name),
        (domain for domain in domains if domain.key.uuid == name.lower()),
        (domain for domain in domains if domain.name == name),
    ):
        if (match := next(matches, None)) is not None:
            return match
    return None
