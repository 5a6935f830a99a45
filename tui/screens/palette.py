"""The command palette."""

from __future__ import annotations

from typing import Any

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette


class Palette(CommandPalette):
    """Closes only once, where a second key makes Textual's close the screen below; pages its list only if possible."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "command_list":
            commands = self.query(CommandList)
            return any(shown.scrollable_content_region.area for shown in commands)
        return True

    def dismiss(self, result: Any = None) -> AwaitComplete:
        if self.is_active and self.is_mounted:
            return super().dismiss(result)
        return AwaitComplete()
