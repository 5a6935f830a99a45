"""What a user can do to domains, wherever they are shown in a table."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Literal

from textual import on, work

from backend.errors import BackendError, DomainBusy, JournalError
from backend.model import DomainKey
from tui.commands import refusals
from tui.commands.commands import Abort, Acted, Command, DomainCommand, Dump, Open, Resume, Wait
from tui.commands.keys import Keys
from tui.commands.offering import OfferingScreen
from tui.config.values import Config
from tui.dumping import choice as dump_choice
from tui.dumping.choice import DumpChoice
from tui.dumping.dump import DumpScreen
from tui.dumping.dump_several import DumpSeveralScreen, SeveralDumps, Target
from tui.screens.confirm import ConfirmScreen
from tui.screens.wait import WaitScreen
from tui.screens.waits import WaitsScreen
from tui.session import news
from tui.session.host import Host
from tui.session.hosts import Hosts
from tui.session.planned import QUEUED, PlannedDump
from tui.session.rows import Row
from tui.session.throughput import Throughputs
from tui.session.waiting import Waiting
from tui.session.waits import Waits
from tui.widgets.activity import Activity
from tui.widgets.details import Details
from tui.widgets.domain_table import DomainTable


class ActingScreen(OfferingScreen[None]):
    """Dumps, waits, aborts and resumes; what came of it stands in the activity."""

    def __init__(self, uris: list[str], readonly: bool, config: Config, keys: Keys) -> None:
        super().__init__()
        self.keys = keys
        self.config = config
        self.hosts = Hosts(uris, readonly, config, self.run_worker, self.post_message)
        self.waits = Waits(self.run_worker, self.post_message)
        self.table = DomainTable(several_hosts=len(uris) > 1)
        self.throughputs = Throughputs()
        self.details = Details(self.throughputs, keys)
        self.activity = Activity()

    def refusal(self, command: type[Command]) -> str | None:
        if not issubclass(command, DomainCommand):
            return None
        rows = self._meant()
        if not rows:
            return refusals.NO_DOMAIN
        # Of several, those that it can be done to are enough.
        first: str | None = None
        for row in rows:
            reason = self._refusal_for(command, row)
            if reason is None:
                return None
            first = first or reason
        return first

    def _refusal_for(self, command: type[Command], row: Row) -> str | None:
        capabilities = self.hosts[row.uri].capabilities
        if command is Dump:
            return refusals.dump(row, capabilities, self.keys)
        if command is Wait:
            return None if row.key in self.waits else refusals.wait(row)
        if command is Abort:
            return refusals.abort(row, capabilities, self.details.running_of(row))
        if command is Resume:
            return refusals.resume(row, capabilities)
        return None

    def _meant(self) -> Sequence[Row]:
        """The domains that a command is about now."""
        row = self.table.cursor_row
        return self.table.marked or ([row] if row is not None else [])

    def _parted(self, command: DomainCommand) -> tuple[list[Row], list[tuple[str, str]]]:
        """The domains that `command` can be done to, and the names of the others with the reasons."""
        able, refused = [], []
        for row in command.rows:
            reason = self._refusal_for(type(command), row)
            if reason is None:
                able.append(row)
            else:
                refused.append((row.domain.name, reason))
        return able, refused

    def made(self, command: type[Command]) -> Command:
        if not issubclass(command, DomainCommand):
            return super().made(command)
        self.table.hold()
        return command(self._meant())

    @on(DomainTable.Chosen)
    def _chosen(self) -> None:
        self.offer(Open)

    @on(Open)
    def _open(self) -> None:
        row = self.table.cursor_row
        waiting = self._waiting_for(row) if row is not None else None
        if waiting is not None:
            self._show_waits([waiting])
        elif row is not None:
            self.details.show_tab("history")

    @on(Wait)
    def _wait(self, event: Wait) -> None:
        waitings = [waiting for row in event.rows if (waiting := self._waiting_for(row)) is not None]
        if len(waitings) < len(event.rows):
            self.notify(f"{len(event.rows) - len(waitings)} of {len(event.rows)} have no job to wait for", markup=False)
        self._show_waits(waitings)

    def _waiting_for(self, row: Row) -> Waiting | None:
        known = self.waits.get(row.key)
        if known is not None or row.progress is None:
            return known
        operation = row.progress.stats.operation
        return self.waits.begin(Waiting(self.hosts[row.uri], row.domain.key, operation, known=row.progress))

    def _show_waits(self, waitings: Sequence[Waiting]) -> None:
        if len(waitings) == 1 and waitings[0].stage != QUEUED:
            self._show_wait(waitings[0])
        elif waitings:
            screen = WaitsScreen(waitings, self.waits.drop, self.keys)
            self.open(screen, lambda resume: self._left(waitings, bool(resume)))

    def _show_wait(self, waiting: Waiting) -> None:
        self.open(WaitScreen(waiting, self.keys), lambda resume: self._left([waiting], bool(resume)))

    def _left(self, waitings: Sequence[Waiting], resume: bool) -> None:
        """A wait screen was left; `resume`: for what its jobs left paused to run again."""
        going = [waiting for waiting in waitings if not waiting.over]
        if going:
            ours = all(waiting.ours for waiting in going)
            name, what = going[0].domain.name, going[0].operation.label
            self._say_detached(*(name, what) if len(going) == 1 else (f"{len(going)} domains", "jobs"), ours)
        for waiting in going:
            if not waiting.ours:
                self.waits.leave(waiting)
        for waiting in waitings if resume else ():
            # The wait knows more than the table, which may not have seen yet that the job is gone.
            if waiting.outcome is not None and waiting.outcome.left_paused:
                self._begin_act("resume", waiting.host, waiting.domain)

    def _say_detached(self, subject: str, what: str, told: bool) -> None:
        then = "the end will be told here" if told else f"{self.keys[Wait]} attaches again"
        goes = "go" if what == "jobs" else "goes"
        said = f"detached from the {what}, which {goes} on; {then}"
        self.activity.say(subject, said)
        self.notify(f"{subject}: {said}", markup=False)

    @on(Dump)
    def _dump(self, event: Dump) -> None:
        rows, refused = self._parted(event)
        if len(event.rows) == 1:
            self._open_dump(rows[0])
        else:
            self._open_dumps(rows, refused)

    async def _target(self, row: Row) -> Target | None:
        host = self.hosts[row.uri]
        capabilities = host.capabilities
        if capabilities is None:
            return None
        try:
            folder = await asyncio.to_thread(dump_choice.suggested_folder, host.uri, capabilities.local)
        except (JournalError, OSError) as error:
            self.post_message(Acted(row.domain.name, "dump", str(error)))
            return None
        return Target(host, row.domain, capabilities, folder)

    @work(group="open", exclusive=True)
    async def _open_dump(self, row: Row) -> None:
        target = await self._target(row)
        if target is not None:
            host = target.host
            begin = partial(self._begin_dump, host)
            form = DumpScreen(host, target.domain, target.capabilities, target.folder, self.config.dump, begin)
            self.open(form, self._dump_begun)

    @work(group="open", exclusive=True)
    async def _open_dumps(self, rows: Sequence[Row], refused: Sequence[tuple[str, str]]) -> None:
        targets = [target for row in rows if (target := await self._target(row)) is not None]
        if targets:
            self.open(DumpSeveralScreen(targets, refused, self.config.dump), self._dumps_chosen)

    def _begin_dump(self, host: Host, choice: DumpChoice) -> Waiting:
        """Start it as soon as its turn comes. DomainBusy while another dump of this user's is under way there."""
        known = self.waits.get((host.uri, choice.domain.key.uuid))
        if known is not None and known.ours and not known.over:
            raise DomainBusy(f"{choice.domain.name} has a job already: a dump of yours is under way or queued")
        if known is not None:
            self.waits.leave(known)
        waiting = self.waits.begin(PlannedDump(host, choice, self.config.dump.publish, self._dump_moved))
        if waiting.stage == QUEUED:
            self.activity.say(choice.domain.name, f"dump queued, {host.turns.at_once} run at a time → {choice.path}")
        self.waiting_changed(waiting)
        return waiting

    def _dump_begun(self, waiting: Waiting | None) -> None:
        if waiting is not None and waiting.stage == QUEUED:
            self.notify(f"{waiting.domain.name}: queued; it is started when its turn comes", markup=False)
        elif waiting is not None:
            self._show_wait(waiting)

    def _dumps_chosen(self, several: SeveralDumps | None) -> None:
        if several is None:
            return
        for host, _ in several.parts:
            host.turns.at_once = several.at_once
        waitings = []
        for host, choice in several.parts:
            try:
                waitings.append(self._begin_dump(host, choice))
            except BackendError as error:
                self.refuse(error.message)
        self.table.clear_marks()
        if waitings:
            self._show_waits(waitings)

    def _dump_moved(self, dump: PlannedDump) -> None:
        if dump.record is not None and not dump.record.over:
            self.activity.say(dump.domain.name, f"dump started → {dump.choice.path}")
        self.waiting_changed(dump)

    def waiting_changed(self, waiting: Waiting) -> None:
        """Show in the table what became of a dump that has no job yet."""

    @on(Abort)
    def _abort(self, event: Abort) -> None:
        rows, refused = self._parted(event)
        names = ", ".join(row.domain.name for row in rows)
        if len(event.rows) == 1:
            (row,) = rows
            operation = news.operation(row)
            what = f"the {operation.label}" if operation is not None else "the job"
            confirm = ConfirmScreen(
                f"Abort · {names}", f"Abort {what} of {names}?\nWhat it has done so far will be lost.", f"Abort {what}"
            )
        else:
            left = "".join(f"\nLeft out: {name}: {reason}" for name, reason in refused)
            question = f"Abort the jobs of {names}?\nWhat they have done so far will be lost.{left}"
            confirm = ConfirmScreen(f"Abort · {len(rows)} domains", question, f"Abort {len(rows)} jobs")

        def answered(confirmed: bool | None) -> None:
            for row in rows if confirmed else ():
                self._begin_act("abort", self.hosts[row.uri], row.domain.key)

        self.open(confirm, answered)

    @on(Resume)
    def _resume(self, event: Resume) -> None:
        rows, refused = self._parted(event)
        if refused and not rows:
            self.refuse(refused[0][1])
        for row in rows:
            self._begin_act("resume", self.hosts[row.uri], row.domain.key)

    def _begin_act(self, what: Literal["abort", "resume"], host: Host, domain: DomainKey) -> None:
        self.run_worker(self._act(what, host, domain), group="acts")

    async def _act(self, what: Literal["abort", "resume"], host: Host, domain: DomainKey) -> None:
        try:
            await (host.backend.abort if what == "abort" else host.backend.resume)(domain)
        except BackendError as error:
            self.post_message(Acted(domain.name, what, error.message))
        else:
            self.post_message(Acted(domain.name, what))

    @on(Acted)
    def _acted(self, event: Acted) -> None:
        if event.error:
            self.activity.say(event.domain, f"✗ {event.what} failed: {event.error}", "$error")
            self.notify(f"{event.domain}: {event.error}", severity="error", markup=False)
        else:
            self.activity.say(event.domain, f"{event.what} was asked for and taken")
