"""The panel of a screen that waits for jobs, with what can be done to the job that it shows or has chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.containers import Vertical

from tui.commands.commands import Close, Command, Export
from tui.commands.domains import CopyName, CopyPath, CopyStats
from tui.commands.jobs import Abort, Detach, Pivot, Resume
from tui.commands.offering import OfferingScreen
from tui.screens.job_actions import JobActions, job_of_wait
from tui.session.job_wait import JobWait
from tui.session.session import Session
from tui.widgets.clipboard import copy
from tui.words import jobinfo


class WaitPanel(Vertical):
    """Its screen shows it, says which wait is meant, and ends with whether to resume what was left paused.

    `owner`: the screen; `chosen`: the wait that is meant; `shown`: what the screen shows, for an export.
    """

    OFFERS: ClassVar[tuple[type[Command], ...]] = (
        Detach,
        Close,
        Abort,
        Pivot,
        Resume,
        CopyName,
        CopyPath,
        CopyStats,
        Export,
    )

    def __init__(
        self,
        owner: OfferingScreen[bool],
        session: Session,
        waits: Sequence[JobWait],
        chosen: Callable[[], JobWait],
        shown: Callable[[], Sequence[str]],
        id: str,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(classes="panel", id=id)
        self._owner = owner
        self._waits = waits
        self._chosen = chosen
        self._shown = shown
        self._actions = JobActions(owner, session)

    def has_key(self, command: type[Command]) -> bool:
        over = all(wait.over for wait in self._waits)
        return {Detach: not over, Close: over}.get(command, True)

    def do_at_once(self, command: type[Command]) -> None:
        """None of its commands is done at once."""

    @on(Detach)
    @on(Close)
    def _leave(self) -> None:
        self._owner.leave(False)

    @on(Resume)
    def _leave_and_resume(self) -> None:
        self._owner.leave(True)

    @on(Abort)
    def _abort(self) -> None:
        self._actions.abort([job_of_wait(self._chosen())])

    @on(Pivot)
    def _pivot(self) -> None:
        self._actions.pivot([job_of_wait(self._chosen())])

    @on(CopyName)
    def _copy_name(self) -> None:
        name = self._chosen().name
        copy(self, name, f'"{name}"', "name")

    @on(CopyPath)
    def _copy_path(self) -> None:
        copy(self, self._chosen().path, "the dump path", "dump path")

    @on(CopyStats)
    def _copy_stats(self) -> None:
        wait = self._chosen()
        lines = [wait.name, *jobinfo.lines(wait.progress.stats)] if wait.progress is not None else []
        copy(self, "\n".join(lines), "the job statistics", "job statistics")

    @on(Export)
    def _export(self) -> None:
        from tui.screens.export import ExportScreen  # Few need it.
        from tui.widgets.wait_exports import of_waits

        what = f"wait-{self._waits[0].name}" if len(self._waits) == 1 else "waits"
        self._owner.open(ExportScreen(of_waits(what, self._shown(), self._waits)))
