"""Copying, and saying so."""

from __future__ import annotations

from textual.widget import Widget


def copy(widget: Widget, text: str, what: str, kind: str) -> None:
    """Copy `text`, if there is any. `what`: the text in a few words; `kind`: what there is none of, if it is empty."""
    if text:
        widget.app.copy_to_clipboard(text)
    widget.notify(f"copied {what}" if text else f"no {kind} to copy", markup=False)
