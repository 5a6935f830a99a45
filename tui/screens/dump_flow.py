"""From the command to dump to dumps that are started or queued: the forms, and what follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from backend.errors import BackendError, JournalError
from backend.threads import in_thread
from tui.commands.offering import OfferingScreen
from tui.dumping import choice as dump_choice
from tui.dumping.choice import DumpChoice
from tui.dumping.dump import DumpScreen
from tui.dumping.dump_several import DumpSeveralScreen, SeveralDumps
from tui.dumping.ending import Question
from tui.dumping.target import Target
from tui.screens.confirm import ConfirmScreen
from tui.session.job_wait import JobWait
from tui.session.rows import Row
from tui.session.session import Session


class DumpFlow:
    """Opens the forms above `screen`. `started` is called with the waits for what was started."""

    def __init__(
        self, screen: OfferingScreen[None], session: Session, started: Callable[[Sequence[JobWait]], None]
    ) -> None:
        self._screen = screen
        self._session = session
        self._started = started

    def open_form(self, row: Row) -> None:
        """Open the form for one domain."""
        self._screen.run_worker(self._open_form(row), group="open", exclusive=True)

    def open_form_for_several(self, rows: Sequence[Row], refused: Sequence[tuple[str, str]]) -> None:
        """Open the form for several; `refused`: the names of those that cannot be dumped, with the reasons."""
        self._screen.run_worker(self._open_form_for_several(rows, refused), group="open", exclusive=True)

    async def _open_form(self, row: Row) -> None:
        target = await self._target(row)
        if target is not None:
            form = DumpScreen(target, self._session.config.dump, lambda choice: self._start(target, choice), _ask)
            self._screen.open(form, self._one_started)

    async def _open_form_for_several(self, rows: Sequence[Row], refused: Sequence[tuple[str, str]]) -> None:
        targets = [target for row in rows if (target := await self._target(row)) is not None]
        if targets:
            form = DumpSeveralScreen(targets, refused, self._session.config.dump, _ask)
            self._screen.open(form, self._several_chosen)

    async def _target(self, row: Row) -> Target | None:
        host = self._session.hosts[row.uri]
        capabilities = host.capabilities
        if capabilities is None:
            return None
        try:
            folder = await in_thread(partial(dump_choice.suggested_folder, host.uri, capabilities.local), "dump folder")
        except (JournalError, OSError) as error:
            self._session.internal_error(row.domain.name, error)
            return None
        disk_jobs = tuple(progress.stats for progress in row.view.block_jobs)
        return Target(host, row.domain, capabilities, folder, disk_jobs)

    def _start(self, target: Target, choice: DumpChoice) -> JobWait:
        return self._session.start_dump(target.host, choice.request, choice.overwrite)

    def _one_started(self, wait: JobWait | None) -> None:
        if wait is not None and wait.queued:
            self._screen.notify(f"{wait.name}: queued; starts when its turn comes", markup=False)
        elif wait is not None:
            self._started([wait])

    def _several_chosen(self, several: SeveralDumps | None) -> None:
        if several is None:
            return
        for host, _ in several.parts:
            host.turns.at_once = several.at_once
        waits = []
        for host, choice in several.parts:
            try:
                waits.append(self._session.start_dump(host, choice.request, choice.overwrite))
            except BackendError as error:
                self._screen.refuse(error.message)
        self._started(waits)


def _ask(form: OfferingScreen[Any], about: str, question: Question, then: Callable[[], object]) -> None:
    """Ask above a form before dumps that their guests do not survive."""

    def answered(confirmed: bool | None) -> None:
        if confirmed:
            then()

    form.open(ConfirmScreen(f"Dump · {about}", question.text, question.yes), answered)
