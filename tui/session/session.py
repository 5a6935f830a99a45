"""The state of the console: hosts, their domains, waits and queued dumps. No widgets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from backend.dump_request import DumpRequest
from backend.errors import DomainBusy
from backend.log import backend_error, internal_error
from backend.model import DiskKey, JobOperation
from backend.observing.memory import Memory
from backend.observing.views import DomainView
from backend.observing.watcher import MANY
from backend.records.entry import JobEntry
from backend.records.history import History
from backend.records.queued_dump import QueuedDump
from backend.records.record import JobRecord, RecordState
from tui.config.values import Config
from tui.session import migrations, news
from tui.session.actions import Actions
from tui.session.activity_log import ActivityLog, Tone
from tui.session.background_tasks import BackgroundTasks
from tui.session.background_waits import BackgroundWaits
from tui.session.command_runs import CommandRuns
from tui.session.deeds import Deeds
from tui.session.failing_disks import FailingDisks
from tui.session.fleet import Fleet
from tui.session.folding import Deliver, Folding
from tui.session.host import Host, HostChanges, Link
from tui.session.job_news import JobNews
from tui.session.job_wait import JobWait
from tui.session.kept_queue import KeptQueue
from tui.session.left_pauses import LeftPauses
from tui.session.left_queue import LeftQueue
from tui.session.pauses import refined, same_state
from tui.session.planned_dump import PlannedDump, RunningDump
from tui.session.reporter import Reporter
from tui.session.rows import Row, RowKey, RowStore, block_jobs
from tui.session.session_listener import SessionListener
from tui.session.tally import Tally
from tui.session.throughput import Throughputs
from tui.words import equivalents


class Session:
    """What the console works with.

    `deliver` runs what comes from a task where the listener wants to hear of it; by default, right there.
    `resume_key` is named in hints.
    """

    def __init__(
        self,
        uris: Sequence[str],
        readonly: bool,
        config: Config,
        log: ActivityLog,
        listener: SessionListener,
        deliver: Deliver = lambda call: call(),
        resume_key: str = "r",
    ) -> None:
        self.config = config
        self._log = log
        self._listener = listener
        self._deliver = deliver
        self._tasks = BackgroundTasks(self.internal_error)
        self.memory = Memory(History(), "console", tell=self._remembered)
        """What is seen of any job here."""
        self.hosts = Fleet(uris, readonly, config, self._tasks, self, self.memory)
        self.rows = RowStore()
        self.waits = BackgroundWaits(self._tasks, lambda wait: deliver(lambda: self._wait_ended(wait)))
        self.throughputs = Throughputs()
        self.tally = Tally()
        self.loaded: set[str] = set()
        """The URIs of the hosts whose domains are known."""
        self._jobs = JobNews(
            log,
            self.hosts,
            self.rows,
            self.waits,
            self._tasks,
            lambda key: deliver(lambda: self._show_again(key)),
        )
        self._reporter = Reporter(log, self.rows, self._jobs, self._look_for_pending, resume_key)
        self._pending: dict[Host, None] = {}
        """Hosts with changes that were not taken yet, in the order in which they came."""
        self._folding = Folding(1 / config.refresh, deliver, self._flush)
        self._left_pauses = LeftPauses(self._tasks, self.rows, lambda row: deliver(lambda: self._left_paused(row)))
        self.commands = CommandRuns(
            log,
            lambda uri: uri in self.hosts,
            lambda: deliver(listener.commands_changed),
            lambda record: deliver(lambda: listener.command_ended(record)),
        )
        self._disks = FailingDisks(self._tasks, self._disks_fail)
        self.deeds = Deeds(lambda: deliver(listener.deeds_changed))
        """What was done here."""
        self.actions = Actions(log, self._tasks, self.deeds, self._fail, self._wait_for_disk)
        """What the user may do to jobs and domains."""
        self._queue = KeptQueue(self._not_kept)
        self.left = LeftQueue(self._tasks, self._queue, self.hosts, self.rows, self.loaded, self.start_dump)
        self.left.offer = lambda: deliver(listener.queue_left)

    def start(self) -> None:
        """Connect to all hosts."""
        self.hosts.attend()
        self._tasks.start("journal", self.commands.watch())

    async def close(self) -> None:
        """End everything that runs here, and store what is known of jobs, for which it takes a second at most.

        Jobs continue.
        """
        self._folding.close()
        self._jobs.close()
        self._tasks.cancel()
        await self._queue.settle()
        await self.memory.settle()
        self.memory.close()

    def internal_error(self, subject: str, error: BaseException) -> None:
        """Report that a task for `subject` failed; everything else continues."""
        problem = backend_error(error) if isinstance(error, Exception) else internal_error(error)
        self._fail(subject, problem.message)

    # Hosts

    def host_name(self, uri: str) -> str:
        """What the host is called, whether it is connected or not."""
        return self.hosts.name(uri)

    def add_host(self, name: str) -> list[Host]:
        """Connect to the hosts of a group, an alias or a URI. HostRefused if that is impossible."""
        added = self.hosts.add(name)
        self._rename_hosts()
        self.commands.look()
        for host in added:
            self.deeds.add(host.name, "host added", equivalents.connect(host.uri, host.readonly))
        self._listener.hosts_changed()
        return added

    def drop_host(self, host: Host) -> int:
        """Disconnect from a host and remove its dumps from the queue; how many jobs continue there."""
        rows = self.rows.of_host(host.uri)
        for wait in self.waits.of_host(host):
            self.waits.drop(wait)
            self.waits.leave(wait)
            self.deeds.leave(wait)
        keys = [row.key for row in rows]
        self._apply((), keys)
        self.hosts.drop(host)
        self.deeds.add(host.name, "host dropped", equivalents.NONE)
        self._rename_hosts()
        self.loaded.discard(host.uri)
        self._listener.hosts_changed()
        return sum(row.progress is not None for row in rows)

    def _rename_hosts(self) -> None:
        """Let the rows say what their hosts are called now that there are others."""
        names = {uri: host.name for uri, host in self.hosts.items()}
        self._apply([replace(row, host=names[row.uri]) for row in self.rows.values() if row.host != names[row.uri]])

    def watch_closely(self, keys: Iterable[RowKey]) -> None:
        """The user is looking at these rows."""
        uuids = defaultdict[str, set[str]](set)
        for key in keys:
            uuids[key.uri].add(key.uuid)
        crowded = self.rows.jobs > MANY
        for host in self.hosts.values():
            host.watch_closely(uuids.get(host.uri, frozenset()), crowded)

    def link_changed(self, host: Host, before: Link) -> None:
        """See HostListener."""
        self._deliver(lambda: self._show_link(host, before))

    def domains_changed(self, host: Host) -> None:
        """See HostListener."""
        self._pending[host] = None
        self._folding.changed(host.news)

    def _show_link(self, host: Host, before: Link) -> None:
        if not self.hosts.has(host):
            return
        if host.link is Link.DOWN:
            if before is not Link.DOWN:  # What else goes wrong while it is down is in the banner.
                self._log.say(host.name, news.no_connection(host), Tone.ERROR)
        elif before is not Link.UP:
            hypervisor = f": {host.capabilities.hypervisor}" if host.capabilities else ""
            self._log.say(host.name, f"connected{hypervisor}")
            self._look_for_pending(host)
        elif host.reason:
            self._log.say(host.name, host.reason, Tone.WARNING)
        self._listener.hosts_changed()
        stale = host.link is Link.DOWN
        self._apply([replace(row, stale=stale) for row in self.rows.of_host(host.uri) if row.stale is not stale])

    # Domains

    def _flush(self) -> None:
        """Take in what changed on all hosts, and report it once."""
        hosts, self._pending = self._pending, {}
        changed: list[Row] = []
        removed: list[RowKey] = []
        loaded = False
        for host in hosts:
            if self.hosts.has(host) and (changes := host.take_changes()) is not None:
                rows, gone = self._take_in(host, changes)
                changed += rows
                removed += gone
                loaded = loaded or changes.complete
        differs = any(news.concerns_waits(self.rows.get(row.key), row) for row in changed)
        self.throughputs.learn(changed)
        self._apply(changed, removed)
        for row in changed:
            if not row.disk:
                self._left_pauses.suspect(self.hosts[row.uri], row)
                self._disks.look(self.hosts[row.uri], row)
        if loaded or differs:
            self._listener.hosts_changed()
        if loaded:
            self.left.look()

    def _take_in(self, host: Host, changes: HostChanges) -> tuple[list[Row], list[RowKey]]:
        rows = []
        for view in changes.changed:
            rows.append(row := self._row(host, view))
            if view.block_jobs:
                rows += block_jobs(row)
        removed = [RowKey(host.uri, uuid) for uuid in changes.removed]
        if changes.complete:
            present = {row.key for row in rows}
            removed = [row.key for row in self.rows.of_host(host.uri) if row.key not in present]
            self.loaded.add(host.uri)
        else:
            removed += self._ended_block_jobs(rows, removed)
            self._reporter.changes(host, rows, removed)
        return rows, removed

    def _ended_block_jobs(self, rows: Iterable[Row], removed: Iterable[RowKey]) -> list[RowKey]:
        """The keys of those whose domain is changed or removed, and has them no more."""
        gone: set[RowKey] = set()
        for key in (*removed, *(row.key for row in rows if not row.disk)):
            before = self.rows.get(key)
            if before is not None and before.view.block_jobs:
                gone.update(job.key for job in block_jobs(before))
        return list(gone.difference(row.key for row in rows)) if gone else []

    def _row(self, host: Host, view: DomainView) -> Row:
        key = RowKey(host.uri, view.domain.key.uuid)
        before = self.rows.get(key)
        wait = self.waits.get(key)
        pending = wait.stage if wait is not None and view.progress is None else ""
        since = host.happenings.since(view.domain)
        stale = host.link is Link.DOWN
        row = Row(host.uri, view, host.name, host.badges, since=since, pending=pending, stale=stale)
        if row.operation == JobOperation.DUMP:
            row = replace(row, automatic_dump=self._jobs.automatic_dump(view.domain.key, key))
        if before is not None and before.other_end and before.operation == row.operation:
            row = replace(row, other_end=before.other_end)
        return refined(before, row)

    def _apply(self, changed: Sequence[Row], removed: Sequence[RowKey] = ()) -> None:
        """Change these rows, correct what that says of migrations, and report it."""
        moving: set[str] = set()
        if len(self.hosts) > 1:
            before = map(self.rows.get, [*(row.key for row in changed), *removed])
            moving = migrations.migrating([*changed, *before])
        self.rows.apply(changed, removed)
        self.throughputs.forget(removed)
        self._reporter.forget(removed)
        if moving and (corrected := migrations.corrected(self.rows, self.hosts, moving)):
            self.rows.apply(corrected)
            changed = list({row.key: row for row in (*changed, *corrected)}.values())
        if changed or removed:
            self._listener.rows_changed(changed, removed)

    def _left_paused(self, row: Row) -> None:
        current = self.rows.get(row.key)
        if current is not None and current.maybe_left_paused and current.domain == row.domain:
            self._reporter.left_paused(current)
            self._apply([replace(current, left_paused=True)])

    def _disks_fail(self, row: Row, errors: tuple[str, ...]) -> None:
        def show() -> None:
            current = self.rows.get(row.key)
            if current is not None and same_state(row, current):
                self._reporter.disks_fail(current, errors)
                self._apply([replace(current, io_errors=errors)])

        self._deliver(show)

    # Waits and dumps

    def wait_for(self, row: Row) -> JobWait | None:
        """The wait for the row's job, begun now if there is none; None if there is no job."""
        running = self.waits.get(row.key)
        if running is not None or row.progress is None:
            return running
        operation = row.progress.stats.operation
        host = self.hosts[row.uri]
        return self.waits.begin(JobWait(host, row.domain.key, operation, progress=row.progress, disk=row.disk or None))

    def start_dump(self, host: Host, request: DumpRequest, overwrite: bool, kept: QueuedDump | None = None) -> JobWait:
        """Start a dump as soon as its turn comes. DomainBusy while another dump of this user runs for the domain.

        `kept`: what it is in the journal's queue, if it was queued before.
        """
        name = request.domain.name
        running = self.waits.get(RowKey(host.uri, request.domain.uuid))
        if running is not None and running.ours and not running.over:
            raise DomainBusy(f"{name} has a job already: your own dump is running or queued")
        if running is not None:
            self.waits.leave(running)
        publish = kept.publish if kept is not None else self.config.dump.publish
        dump = PlannedDump(host, request, overwrite, publish, self._queue, self._dump_moved, kept)
        self.deeds.add_dump(dump, equivalents.dump(host.uri, request, overwrite))
        wait = self.waits.begin(dump)
        if wait.queued:
            self._log.say(name, f"dump queued, {host.turns.at_once} run in parallel → {request.path}")
        self._show_wait(wait)
        return wait

    def cancel_queued(self) -> None:
        """Start none of the dumps that are queued."""
        for wait in self.waits.queued:
            self.waits.drop(wait)

    def _not_kept(self, error: str) -> None:
        self._fail("queue", f"{error}; queued dumps are lost if this console ends")

    def _dump_moved(self, dump: PlannedDump) -> None:
        if dump.record is not None and dump.record.state not in (RecordState.FAILED, RecordState.CANCELLED):
            self._log.say(dump.name, f"dump started → {dump.request.path}")
        self.deeds.follow(dump)
        self._deliver(lambda: self._show_wait(dump))

    def _show_wait(self, wait: JobWait) -> None:
        """Show in its row how far a dump is that has no job yet."""
        self._show_again(wait.key)

    def _show_again(self, key: RowKey) -> None:
        """Show in that row what is known of its domain's job besides its view."""
        row = self.rows.get(key)
        if row is not None and not row.disk and row.uri in self.hosts:
            self._apply([self._row(self.hosts[row.uri], row.view)])

    def _remembered(self, entry: JobEntry) -> None:
        """The memory has a new job, or the end of one."""
        told = self._jobs.told_end(entry)
        self.tally.take(entry, told.verdict if told is not None else None)
        self._jobs.take(entry)
        self._deliver(lambda: self._listener.remembered(entry))

    def _wait_ended(self, wait: JobWait) -> None:
        if wait.outcome is not None and not self._jobs.tells_end_of(wait):
            self.tally.add(wait.outcome)
        self._reporter.ended(wait)
        self.deeds.follow(wait)
        self.waits.forget(wait)
        self._show_wait(wait)
        self._listener.wait_ended(wait)

    def _look_for_pending(self, host: Host) -> None:
        self.waits.look_for_pending(host, lambda host, records: self._deliver(lambda: self._attach(host, records)))

    def _attach(self, host: Host, records: Sequence[JobRecord]) -> None:
        for record in records if self.hosts.has(host) else ():
            key = RowKey(host.uri, record.uuid)
            if key not in self.waits and (record.uri == host.uri or self._runs(key, record)):
                self._log.say(record.domain, f"attached to the dump → {record.path}")
                self._show_wait(self.waits.begin(RunningDump(host, record)))

    def _runs(self, key: RowKey, record: JobRecord) -> bool:
        """Whether the record is of the dump of that very domain, requested through another URI of its host."""
        row = self.rows.get(key)
        return row is not None and row.domain.key == record.key and row.operation is JobOperation.DUMP

    def _wait_for_disk(self, host: Host, disk: DiskKey) -> JobWait | None:
        row = self.rows.get(RowKey(host.uri, disk.domain.uuid, disk.disk))
        return self.wait_for(row) if row is not None else None

    def _fail(self, subject: str, error: str, what: str = "") -> None:
        self._log.say(subject, f"✗ {what}{error}", Tone.ERROR, keep=True)
        self._deliver(lambda: self._listener.action_failed(subject, error))
