"""A tmux of a test's own, in its default configuration, with a shell in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.eventually import eventually

LIMIT = 40.0
"""Seconds after which a thing that should be seen is missing."""
CONSOLE = f"{sys.executable} -m tui"


class Tmux:
    """Types keys and reads the screen."""

    def __init__(self, name: str) -> None:
        self._name = name

    def run(self, *arguments: str) -> str:
        """What that command of tmux prints."""
        command = ["tmux", "-L", self._name, "-f", "/dev/null", *arguments]
        # A size in the environment, as a test runner may set it, would be believed before the terminal's.
        env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True, env=env).stdout

    @property
    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def type(self, *keys: str) -> Tmux:
        """Keys by tmux's names, or texts."""
        self.run("send-keys", *keys)
        return self

    def sees(self, *texts: str) -> Tmux:
        """Wait until all of the texts are on the screen."""
        try:
            eventually(lambda: all(text in self.screen for text in texts), LIMIT)
        except AssertionError:
            raise AssertionError(f"there never was {texts}:\n{self.screen}") from None
        return self

    def sees_no(self, *texts: str) -> Tmux:
        """Wait until none of them is."""
        try:
            eventually(lambda: not any(text in self.screen for text in texts), LIMIT)
        except AssertionError:
            raise AssertionError(f"there always was {texts}:\n{self.screen}") from None
        return self

    def resize(self, width: int, height: int) -> Tmux:
        self.run("resize-window", "-x", str(width), "-y", str(height))
        return self


@contextmanager
def tmux(*command: str, width: int = 80, height: int = 24) -> Iterator[Tmux]:
    """One with that command in it, or else an interactive shell with the prompt ``shell>``; ended at the end."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    made = Tmux(f"virt-jobs-{uuid.uuid4().hex[:8]}")
    variables = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(("XDG_", "VIRT_JOBS_"))]
    sets = [part for variable in [*variables, "PS1=shell> "] for part in ("-e", variable)]
    shell = command or ("bash", "--norc", "--noprofile", "-i")
    made.run("new-session", "-d", "-x", str(width), "-y", str(height), *sets, *shell)
    try:
        yield made
    finally:
        made.run("kill-server")
