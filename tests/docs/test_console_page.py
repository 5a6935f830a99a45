"""docs/console.md names every key of the console."""

from __future__ import annotations

import re

import pytest

from tests.docs.test_commands import ROOT
from tui.config.keys import DEFAULT_KEYS

NAMES = set(re.findall(r"`([^`\n]+)`", (ROOT / "docs" / "console.md").read_text()))
SHOWN = {"slash": "/", "escape": "Esc", "question_mark": "?", "colon": ":", "at": "@", "plus": "+"}


def shown(key: str) -> str:
    """The key as the page has it."""
    if key in SHOWN:
        return SHOWN[key]
    if key.startswith("ctrl+"):
        return f"Ctrl-{key.removeprefix('ctrl+')}"
    return key if len(key) == 1 else key.capitalize()


@pytest.mark.parametrize("command", DEFAULT_KEYS)
def test_its_key_is_on_the_page(command: str) -> None:
    keys = DEFAULT_KEYS[command].split(",")
    assert {shown(key) for key in keys} & NAMES, keys
