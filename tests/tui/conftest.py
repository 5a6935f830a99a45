"""What every test of the console gets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.observing import watcher


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that may have a clipboard, without a multiplexer, wherever the tests run."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def listed_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Consoles soon see what nobody reports, such as what a daemon that died leaves behind."""
    monkeypatch.setattr(watcher, "QUIET_LIST_INTERVAL", 0.1)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short path, wherever pytest keeps its own: a screen wraps or cuts a long one."""
    with tempfile.TemporaryDirectory(prefix="console-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
