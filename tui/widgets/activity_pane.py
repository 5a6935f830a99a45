"""What happened, newest first, below what the user has not acknowledged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.style import Style

from backend.outcome import Verdict
from tui.commands.domains import FocusActivity
from tui.commands.keys import Keys
from tui.session.activity import Activity, Entry
from tui.session.activity_log import Tone
from tui.widgets.activity_lines import in_one_line, wrapped
from tui.widgets.lines import Lines

_SEVERITIES: Mapping[Verdict | Tone, SeverityLevel] = {
    Verdict.COMPLETED: "information",
    Tone.PLAIN: "information",
    Verdict.FAILED: "error",
    Tone.ERROR: "error",
}
"""Of a result that is kept; all others are warnings."""
CURSOR, KEPT = "▌", "●"
ROOMY = 8
"""Lines from which on a kept entry has two of them while nobody reads here."""


class ActivityPane(Lines):
    """Shows entries wrapped to its width, with a cursor while it has the focus.

    New entries come at the top. Whoever reads further down keeps the place, and sees how many there are.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"activity-pane--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="open-line", tooltip="Show the job or the domain that the line is about"),
        Binding("x,delete", "acknowledge", "Seen", id="acknowledge", tooltip="Do not keep the result on top any more"),
        Binding("X", "acknowledge_all", "All seen", show=False, id="acknowledge-all",
                tooltip="Do not keep any result on top any more"),
        Binding("j,down", "move(1)", "Down", show=False, id="cursor.down", tooltip="Next line"),
        Binding("k,up", "move(-1)", "Up", show=False, id="cursor.up", tooltip="Previous line"),
        Binding("g,home", "first", "First", show=False, id="cursor.first", tooltip="Newest line"),
        Binding("G,end", "last", "Last", show=False, id="cursor.last", tooltip="Oldest line"),
        Binding("ctrl+d,pagedown", "page(1)", "Half a page down", show=False, id="cursor.page-down",
                tooltip="Half a page down"),
        Binding("ctrl+u,pageup", "page(-1)", "Half a page up", show=False, id="cursor.page-up",
                tooltip="Half a page up"),
    ]  # fmt: skip

    @dataclass
    class Chosen(Message):
        """What the entry is about should be shown."""

        entry: Entry

    def __init__(self, activity: Activity, keys: Keys) -> None:
        super().__init__()
        self.activity = activity
        self._keys = keys
        self._shown: list[Entry] = []
        self._starts: list[int] = []
        """The first line of each of them."""
        self._hidden = 0
        """Kept entries for which there is no room while nobody reads them."""
        self._cursor: Entry | None = None
        """None: on the first line, whatever that is."""
        self._flashed: Entry | None = None
        """The last one that the flash line had to say."""
        self._read = 0
        """The number of the newest entry that has been at the top."""
        self._wrapped: dict[Entry, tuple[bool, list[Content]]] = {}
        """Whether each entry is kept, and its lines."""
        self._painted = True
        """Whether all entries are on the screen."""

    def on_mount(self) -> None:
        self.activity.changed = self._changed

    def on_resize(self) -> None:
        self._wrapped.clear()
        self._show()

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        if not has_focus and self.app.app_focus:  # With another window in front, the user comes back to this place.
            self._cursor = None
            self.scroll_to(y=0, animate=False)
        self._show()

    @property
    def _in_sight(self) -> bool:
        """Whether it can be seen, if dimmed below a dialog."""
        _, *above = self.app.screen_stack
        return self.display and all(screen.is_modal for screen in above)

    def _changed(self) -> None:
        latest = self.activity.latest
        if latest is not None and latest is not self._flashed and latest in self.activity.kept and not self._in_sight:
            self._flashed = latest
            severity = _SEVERITIES.get(latest.tone, "warning")
            self.notify(f"{latest.subject}: {latest.words}", severity=severity, markup=False)
        if self._painted:  # Several come at a time and are painted together.
            self._painted = False
            self.call_later(self._show)

    def _show(self) -> None:
        self._painted = True
        anchor, row = self._anchor()
        lines: list[Content] = []
        kept = self._kept()
        entries = [*kept, *((entry, self._lines_of(entry)) for entry in self.activity.others)]
        self._hidden = len(self.activity.kept) - len(kept)
        self._shown, self._starts = [entry for entry, _ in entries], []
        if self._cursor not in self._shown:
            self._cursor = None
        marked = self._marked
        for entry, entry_lines in entries:
            self._starts.append(len(lines))
            lines += map(self._under_cursor, entry_lines) if entry is marked else entry_lines
        self._wrapped = {entry: self._wrapped[entry] for entry in self._shown}
        self.show_lines(lines)
        if anchor in self._shown:
            self.scroll_to(y=self._starts[self._shown.index(anchor)] - row, animate=False)
        self._show_title()

    def _kept(self) -> list[tuple[Entry, list[Content]]]:
        """The kept entries with their lines. While nobody reads here, they leave half of the pane to what is new."""
        if self.has_focus:
            return [(entry, self._lines_of(entry)) for entry in self.activity.kept]
        height, cells = self.scrollable_content_region.height, self.scrollable_content_region.width
        room, brief = max(1, height // 2), list[tuple[Entry, list[Content]]]()
        for entry in self.activity.kept:
            lines = self._lines_of(entry)
            if len(lines) > 1 and height < ROOMY:
                lines = [Content.styled(KEPT, "bold") + in_one_line(entry, cells - 1)]
            elif len(lines) > 2:
                lines = [lines[0], lines[1].truncate(cells - 1).rstrip() + "…"]
            room -= len(lines)
            if room < 0:
                break
            brief.append((entry, lines))
        return brief

    def _anchor(self) -> tuple[Entry | None, int]:
        """An entry that keeps its place on the screen, and the line of the pane where it begins."""
        top = self.scroll_offset.y
        if self._cursor is not None and self._cursor in self._shown:
            return self._cursor, self._starts[self._shown.index(self._cursor)] - top
        if not top:
            return None, 0
        index = self._index_at(top)
        return self._shown[index], self._starts[index] - top

    def _index_at(self, line: int) -> int:
        """The index of the entry that a line belongs to."""
        return max(0, sum(start <= line for start in self._starts) - 1)

    @property
    def _marked(self) -> Entry | None:
        """The entry under the cursor, if there is one to see."""
        if not self.has_focus:
            return None
        return self._cursor or next(iter(self._shown), None)

    def _lines_of(self, entry: Entry) -> list[Content]:
        """Its lines, with a mark beside the first one while it is kept."""
        kept, lines = self._wrapped.get(entry, (None, []))
        if kept is not (entry in self.activity.kept):
            kept = entry in self.activity.kept
            first, *others = wrapped(entry, self.scrollable_content_region.width - 1)
            mark = Content.styled(KEPT if kept else " ", "bold")
            lines = [mark + first, *(Content(" ") + line for line in others)]
            self._wrapped[entry] = kept, lines
        return lines

    def _under_cursor(self, line: Content) -> Content:
        line = Content.styled(CURSOR, "bold $accent") + line[1:]
        filled = line.pad_right(max(0, self.scrollable_content_region.width - line.cell_length))
        # Textual's own visual style of a component has neither its background nor whether it is reversed.
        style = self.get_component_rich_style("activity-pane--cursor", partial=True)
        return filled.stylize_before(Style.from_rich_style(style))

    def _show_title(self) -> None:
        latest = self.activity.latest
        if self._cursor is None and not self.scroll_offset.y and latest is not None:
            self._read = latest.number
        facts = []
        if self.has_focus:
            hints = (("acknowledge", "seen"), ("acknowledge-all", "all seen"))
            facts += [f"{self._keys.of(key)}:{words}" for key, words in hints if self._marked in self.activity.kept]
        elif self._hidden:
            facts.append(f"{self._hidden} more result{'' if self._hidden == 1 else 's'}")
        if new := sum(entry.number > self._read for entry in (*self.activity.kept, *self.activity.others)):
            facts.append(f"{new} new ▲")
        self.border_title = Content.assemble(
            f"{self._keys[FocusActivity]}:Activity", *((f" ─ {fact}", "bold $accent") for fact in facts)
        )

    # Reading

    def action_move(self, entries: int) -> None:
        if self._shown:
            self._go_to(self._index + entries)

    def action_first(self) -> None:
        self._go_to(0)

    def action_last(self) -> None:
        self._go_to(len(self._shown) - 1)

    def action_page(self, direction: int) -> None:
        if self._shown:
            page = max(1, self.scrollable_content_region.height // 2)
            index = self._index_at(self._starts[self._index] + direction * page)
            self._go_to(index if index != self._index else index + direction)

    def action_open(self) -> None:
        if (entry := self._marked) is not None:
            self._cursor = entry  # It stays there whatever comes.
            self.post_message(self.Chosen(entry))

    def action_acknowledge(self) -> None:
        if (entry := self._marked) is None or entry not in self.activity.kept:
            self._cursor = entry
            self.notify(f"only a result on top, marked {KEPT}, can be acknowledged", severity="warning", markup=False)
            return
        index = self._index
        self.activity.acknowledge(entry)
        self._cursor = None
        self._show()
        self._go_to(index)

    def action_acknowledge_all(self) -> None:
        self.activity.acknowledge_all()

    @property
    def _index(self) -> int:
        return self._shown.index(self._cursor) if self._cursor in self._shown else 0

    def _go_to(self, index: int) -> None:
        index = max(0, min(index, len(self._shown) - 1))
        self._cursor = self._shown[index] if index else None
        self._show()
        if not self._shown:
            return
        first, height = self._starts[index], self.scrollable_content_region.height
        last = first + len(self._lines_of(self._shown[index])) - 1
        top = self.scroll_offset.y
        self.scroll_to(y=min(first, max(top, last - height + 1)), animate=False)
        self._show_title()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._show_title()  # The wheel may have brought the newest entry into sight.

    def on_click(self, event: events.Click) -> None:
        row, height = event.y - 1, self.scrollable_content_region.height
        if 0 <= row < min(height, self.virtual_size.height):
            self._go_to(self._index_at(row + self.scroll_offset.y))
            if event.chain == 2:
                self.action_open()
