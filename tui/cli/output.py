"""Output of commands."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(value: dict[str, Any]) -> None:
    """Print one object on one line, unbuffered and in ASCII, which any locale can show."""
    print(json.dumps(value), flush=True)


def complain(message: str) -> None:
    """Print one line on stderr."""
    print(f"virt-jobs: {message}", file=sys.stderr, flush=True)
