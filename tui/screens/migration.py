"""The screen that shows where a migration stands, and changes what it has to keep to."""

from __future__ import annotations

import logging
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from backend.errors import BackendError
from backend.model import MigrationLimits
from tui.commands import refusals
from tui.commands.commands import Back, Command, Less, More
from tui.commands.jobs import Apply, StartPostcopy
from tui.commands.offering import OfferingScreen, heading
from tui.screens.confirm import ConfirmScreen
from tui.session.host import Host
from tui.session.rows import Row
from tui.session.session import Session
from tui.widgets.key_bar import KeyBar
from tui.widgets.number_field import NumberField
from tui.widgets.scrolled import Below, Scrolled
from tui.words import migrating

logger = logging.getLogger(__name__)

LABEL = 20
"""Cells of a label."""


class MigrationScreen(OfferingScreen[None], ModalScreen[None]):
    """Shows the migration of a row's domain; the session changes its limits."""

    OFFERS = (Apply, StartPostcopy, More, Less, Back)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in OFFERS),
        Binding("tab", "app.focus_next", "Next field", tooltip="Next field"),
    ]

    def __init__(self, session: Session, row: Row) -> None:
        super().__init__()
        self._session = session
        self._row = row
        self._limits = MigrationLimits()
        """As they were when the screen was opened."""
        self._scrolled = Scrolled()

    @property
    def panes(self) -> tuple[Scrolled]:
        return (self._scrolled,)

    @property
    def _host(self) -> Host:
        return self._session.hosts[self._row.uri]

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="migration") as panel:
            panel.border_title = heading("Migration", self._row.domain.name)
            with self._scrolled:
                yield Static(id="course", markup=False)
                yield Static("Downtime allowed at the end, in ms", classes="label")
                yield NumberField("max-downtime")
                yield Static("Bandwidth in MiB/s; 0: as fast as possible", classes="label")
                yield NumberField("bandwidth")
            with Below():
                yield Static(id="refused", markup=False)
                with Horizontal(id="buttons"):
                    yield Button(Content("Apply"), id="apply", variant="primary", compact=True)
                    yield Button(Content("Start post-copy"), id="postcopy", compact=True)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#max-downtime").focus()
        self.show(self._row)
        self._read_limits()

    def on_resize(self) -> None:
        self.call_after_refresh(self._scrolled.leave_room)

    def show(self, row: Row) -> None:
        """Show the migration as it is now, if it is this one."""
        if row.key != self._row.key:
            return
        self._row = row
        if self.is_mounted:
            self.query_one("#course", Static).update(self._course())
            self.refresh_bindings()

    def _course(self) -> Content:
        progress = self._row.progress
        if progress is None or progress.convergence is None:
            return Content.styled("no migration", "$foreground-muted")
        convergence = progress.convergence
        style = "bold $warning" if convergence.needs_help else "bold"
        lines = [Content.styled(migrating.sentence(convergence), style), Content("")]
        for label, value in migrating.facts(progress.stats, convergence, self._limits):
            lines.append(Content.assemble((f"{label:<{LABEL}}", "$foreground-muted"), value))
        return Content("\n").join(lines)

    @work(group="limits", exclusive=True)
    async def _read_limits(self) -> None:
        try:
            self._limits = await self._host.backend.migration_limits(self._row.domain.key)
        except BackendError as error:
            logger.debug("the limits of the migration of %s: %s", self._row.domain.name, error.message)
            return
        if self._limits.max_downtime is not None:
            self._fill("#max-downtime", self._limits.max_downtime)
        if self._limits.bandwidth is not None:
            self._fill("#bandwidth", self._limits.bandwidth // migrating.MIB)
        self.show(self._row)

    def _fill(self, field: str, value: int) -> None:
        """Show a present value, unless the user was faster."""
        if not self.query_one(field, Input).value:
            self.query_one(field, Input).value = str(value)

    def refusal(self, command: type[Command]) -> str | None:
        if command is Back:
            return None
        return refusals.migration(self._row, self._host.capabilities)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._refuse("")

    @on(Input.Submitted)
    @on(Button.Pressed, "#apply")
    def _apply_pressed(self) -> None:
        self.offer(Apply)

    @on(Button.Pressed, "#postcopy")
    def _postcopy_pressed(self) -> None:
        self.offer(StartPostcopy)

    @on(Apply)
    def _apply(self) -> None:
        try:
            max_downtime, bandwidth = self._number("#max-downtime"), self._number("#bandwidth")
        except ValueError:  # Whatever else is shown there is not quietly taken for another number.
            self._refuse("only whole numbers from 0 on can be set")
            return
        if max_downtime is not None and not 0 < max_downtime <= migrating.LONGEST_DOWNTIME:
            self._refuse(f"a downtime of 1 to {migrating.LONGEST_DOWNTIME} ms can be allowed")
            return
        wanted = MigrationLimits(
            None if max_downtime == self._limits.max_downtime else max_downtime,
            None if bandwidth is None or bandwidth * migrating.MIB == self._limits.bandwidth
            else bandwidth * migrating.MIB,
        )  # fmt: skip
        if wanted == MigrationLimits():
            self._refuse("nothing was changed")
            return
        self._session.actions.limit_migration(self._host, self._row.domain.key, wanted)
        self.leave(None)

    def _number(self, field: str) -> int | None:
        """The number in that field; None if it is empty. ValueError for anything else."""
        value = self.query_one(field, Input).value
        if value and not value.isdecimal():
            raise ValueError(value)
        return int(value) if value else None

    def _refuse(self, why: str) -> None:
        refused = self.query_one("#refused", Static)
        refused.update(Content.styled(why, "bold $error"))
        refused.display = bool(why)

    @on(StartPostcopy)
    def _start_postcopy(self) -> None:
        name, host, key = self._row.domain.name, self._host, self._row.domain.key

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self._session.actions.start_postcopy(host, key)
                self.leave(None)

        self.open(ConfirmScreen(f"Post-copy · {name}", migrating.postcopy_question(name), "Start post-copy"), answered)

    @on(Back)
    def _back(self) -> None:
        self.leave(None)
