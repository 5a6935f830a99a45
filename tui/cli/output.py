"""What commands write."""

from __future__ import annotations

import json
import sys
from typing import Any


def print_json(value: dict[str, Any]) -> None:
    """One object on one line, at once, in ASCII: it survives every locale."""
    print(json.dumps(value), flush=True)


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"virt-jobs: {message}", file=sys.stderr, flush=True)
