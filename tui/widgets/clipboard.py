"""Copying, and saying so."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message
from textual.widget import Widget


@dataclass
class Copy(Message):
    """For the application: to copy a text, and to say where it went. `what`: the text in a few words."""

    text: str
    what: str
    note: str = ""
    """What else to say."""


def copy(widget: Widget, text: str, what: str, kind: str, note: str = "") -> None:
    """Copy `text`, if there is any. `what`: the text in a few words; `kind`: what there is none of, if it is empty."""
    if text:
        widget.app.post_message(Copy(text, what, note))
    else:
        widget.notify(f"no {kind} to copy", severity="warning", markup=False)
