"""The panes of the main screen: how the lines are shared, which pane has the focus, and which is enlarged."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from tui.commands.commands import Command
from tui.commands.domains import Enlarge, FocusActivity, LeavePane, NextPane, PreviousPane
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.arrangement import heights, room
from tui.widgets.details_pane import DetailsPane
from tui.widgets.domain_pane import DomainPane

NARROW = 110
"""Columns below which details and activity are stacked."""


class Body(Container):
    """Domains above, details and activity below."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = (FocusActivity, Enlarge, NextPane, PreviousPane, LeavePane)

    def __init__(self, domains: DomainPane, details: DetailsPane, activity: ActivityPane) -> None:
        super().__init__()
        self._panes: dict[Widget, Widget] = {domains: domains.table, details: details, activity: activity}
        """Each with what has its focus."""
        self._activity = activity
        self._below = Container(id="below")
        self._rows = 0
        """For how many rows the table has room."""
        self._large: Widget | None = None
        """The pane that is enlarged."""

    def compose(self) -> ComposeResult:
        domains, *others = self._panes
        yield domains
        with self._below:
            yield from others

    def on_resize(self) -> None:
        self._arrange()

    def show_rows(self, rows: int) -> None:
        """The table has so many rows."""
        if (wanted := room(self._rows, rows)) != self._rows:
            self._rows = wanted
            self._arrange()

    def go_home(self) -> None:
        """Share the lines again, and go to the domains."""
        self._large = None
        domains, *_ = self._panes
        self._focus(domains)

    def has_key(self, command: type[Command]) -> bool:
        domains, *_ = self._panes
        return command is not LeavePane or self._large is not None or self._focused not in (None, domains)

    def do_at_once(self, command: type[Command]) -> None:
        """None of its commands is done at once."""

    @on(Enlarge)
    def _enlarge(self) -> None:
        domains, *_ = self._panes
        self._large = (self._focused or domains) if self._large is None else None
        self._arrange()
        self.screen.refresh_bindings()

    @on(LeavePane)
    def _leave(self) -> None:
        self.go_home()

    @on(FocusActivity)
    def _go_to_activity(self) -> None:
        self._go_to(self._activity)

    @on(NextPane)
    def _go_to_next(self) -> None:
        self._go_beside(1)

    @on(PreviousPane)
    def _go_to_previous(self) -> None:
        self._go_beside(-1)

    def _go_to(self, pane: Widget) -> None:
        """Go to that pane, and enlarge it if it has no place otherwise."""
        if self._large is not None or not self._lines_of(pane):
            self._large = pane
        self._focus(pane)

    def _go_beside(self, step: int) -> None:
        panes = [pane for pane in self._panes if self._large is not None or self._lines_of(pane)]
        at = panes.index(self._focused) if self._focused in panes else 0
        self._go_to(panes[(at + step) % len(panes)])

    @property
    def _focused(self) -> Widget | None:
        """The pane that the focus is in."""
        focused = self.screen.focused
        return next((pane for pane in self._panes if focused is not None and pane in focused.ancestors_with_self), None)

    def _focus(self, pane: Widget) -> None:
        pane.display = True
        self._below.display = self._below.display or pane.parent is self._below
        self.screen.set_focus(self._panes[pane], scroll_visible=False)
        self._arrange()

    @property
    def _stacked(self) -> bool:
        return self.size.width < NARROW

    def _lines_of(self, pane: Widget) -> int:
        """Lines that the pane has while none is enlarged."""
        shared = heights(self.size.height, self._rows, self._stacked)
        return dict(zip(self._panes, (shared.domains, shared.details, shared.activity), strict=True))[pane]

    def _arrange(self) -> None:
        if not self.size:
            return
        domains, *others = self._panes
        lines = {pane: self._lines_of(pane) for pane in self._panes}
        if self._large is not None:
            lines = {pane: self.size.height if pane is self._large else 0 for pane in self._panes}
        focused = self._focused
        if focused is not None and not lines[focused]:
            # The terminal has become too small for that pane.
            self.screen.set_focus(self._panes[domains], scroll_visible=False)
        self.set_class(self._stacked, "-stacked")
        for pane in self._panes:
            pane.display = bool(lines[pane])
        self._below.display = any(lines[pane] for pane in others)
        self._below.styles.height = self.size.height - lines[domains]
        for pane in others:
            pane.styles.height = lines[pane]
