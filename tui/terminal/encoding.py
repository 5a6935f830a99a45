"""What the terminal can show."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TextIO

_PLAIN = re.compile("linux|vt[0-9]|ansi|dumb|cons25|sun(?![a-z])")
"""Names of terminals whose fonts have little beyond ASCII: the Linux console, the terminals of DEC, and their like."""
_MONOCHROME = re.compile("vt[0-9]|dumb")


def has_colours(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a terminal of this kind can be expected to have colours."""
    return _MONOCHROME.match(environment.get("TERM", "")) is None


def blocks_fit(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether lines, blocks and marks beyond ASCII can be written to `stream`, and a terminal of this kind has them."""
    return letters_fit(stream, environment) and _PLAIN.match(environment.get("TERM", "")) is None


def letters_fit(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether characters beyond ASCII can be written to `stream` and will be understood there.

    Python writes UTF-8 under the locale C too, where a terminal need not know it; so the locale's own name counts,
    as it does for tmux. Where nothing names one, nothing speaks against it.
    """
    named = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "UTF-8")
    try:
        "█░▏╭✓".encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return "utf8" in named.lower().replace("-", "")
