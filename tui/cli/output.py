"""Output of commands."""

from __future__ import annotations

import json
import sys
from typing import Any

from tui.cli.choices import is_quiet


def print_json(value: dict[str, Any]) -> None:
    """Print one object on one line, unbuffered and in ASCII, which any locale can show."""
    print(json.dumps(value), flush=True)


def note(message: str) -> None:
    """Print one line on stderr that is no error, unless -q was given."""
    if not is_quiet():
        complain(message)


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"virt-jobs: {message}", file=sys.stderr, flush=True)
