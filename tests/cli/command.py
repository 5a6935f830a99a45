"""The command, run to its end, on simulators that have no job of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

QUICK = "sim:///quick?domains=2&jobs=0&memory=1"
SLOW = "sim:///slow?domains=2&jobs=0&memory=64&rate=8"


def virt_jobs(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )


def one_line(text: str) -> bool:
    return text.startswith("virt-jobs: ") and text.count("\n") == 1 and "Traceback" not in text
