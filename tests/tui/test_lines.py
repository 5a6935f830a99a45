"""Lines with a cursor, where the room for them changes."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from tui.widgets.cursor_lines import CursorLines


class Shown(App[None]):
    def compose(self) -> ComposeResult:
        yield CursorLines()


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
@pytest.mark.parametrize("index", [59, 30])
async def test_the_cursor_stays_in_sight_where_there_is_less_room_than_there_was(index: int, at_once: bool) -> None:
    app = Shown()
    async with app.run_test(size=(40, 44)) as pilot:
        lines = app.query_one(CursorLines)
        lines.show([Content(f"line {number}") for number in range(60)])
        await pilot.pause()
        lines.go(index)
        if not at_once:
            await pilot.pause()
        lines.styles.height = 20
        await pilot.pause()
        await pilot.pause()
        top = lines.scroll_offset.y
        assert top <= index < top + 20, top
