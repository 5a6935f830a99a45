"""One line above the key bar for what the console has to say at the moment. It covers a border, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.session.activity_log import Tone
from tui.session.flash import FlashMessage
from tui.words.cells import crop, width

SIGNS = {Tone.ERROR: "✗ ", Tone.WARNING: "! "}
"""What tells a message apart where there is no colour."""
STYLES = {Tone.ERROR: "bold $error", Tone.WARNING: "bold $warning"}
BETWEEN = " · "
_PATH = re.compile(r"\S*/\S+")


class FlashLine(Widget):
    """Hidden while there is nothing to say."""

    ALLOW_SELECT = False

    @dataclass
    class Mounted(Message):
        """This line is on the screen now; somebody has to tell it what to show."""

        line: FlashLine

    def __init__(self) -> None:
        super().__init__()
        self._messages: Sequence[FlashMessage] = ()

    def on_mount(self) -> None:
        self.post_message(self.Mounted(self))

    def show(self, messages: Sequence[FlashMessage]) -> None:
        """Show these, the most important one first, in place of those before."""
        if messages != self._messages:
            self._messages = messages
            self.display = bool(messages)
            self.refresh()

    def render(self) -> Content:
        return line(self._messages, self.size.width - 2)


def line(messages: Sequence[FlashMessage], cells: int) -> Content:
    """The messages, side by side in so many cells. The first gives way to the second as far as it has to."""
    texts = [SIGNS.get(message.tone, "") + message.text for message in messages]
    room = cells - width(BETWEEN) * (len(texts) - 1)
    if len(texts) > 1 and sum(map(width, texts)) > room:
        texts[1] = shortened(texts[1], max(room // 2, room - width(texts[0])))
        texts[0] = shortened(texts[0], room - width(texts[1]))
    elif len(texts) == 1:
        texts = [shortened(texts[0], room)]
    parts = [Content.styled(text, STYLES.get(message.tone, "")) for text, message in zip(texts, messages, strict=True)]
    return Content(" ") + Content(BETWEEN).join(parts)


def shortened(text: str, cells: int) -> str:
    """`text` in so many cells: a path in it is cut in the middle before anything is cut off."""
    excess = width(text) - cells
    if excess > 0 and (path := max(_PATH.findall(text), key=len, default="")):
        kept = max(12, len(path) - excess - 1)
        if kept < len(path) - 1:
            head = kept // 3
            text = text.replace(path, f"{path[:head]}…{path[head - kept :]}", 1)
    return crop(text, cells)
