"""A time in the past, as users write it."""

from __future__ import annotations

import re
import time
from datetime import datetime

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(?:\d{1,9}[smhdw])+", re.ASCII)
_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def parse_since(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """A callback for options: so long ago (``90m``, ``24h``, ``7d``), or a local date or time, in seconds since the
    epoch."""
    if value is None:
        return None
    text = value.strip()
    if _DURATION.fullmatch(text):
        ago = sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))
        return max(0.0, time.time() - ago)
    for form in _FORMATS:
        try:
            return max(0.0, datetime.strptime(text, form).timestamp())
        except (ValueError, OverflowError):
            continue
    raise click.BadParameter(
        f"{value!r} is neither a duration (90m, 24h, 7d) nor a local time (2026-11-25, '2026-11-25 03:00')"
    )
