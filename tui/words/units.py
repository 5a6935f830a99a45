"""Numbers in the words and units that operators know (virsh's and htop's)."""

from __future__ import annotations

import time

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_EIGHTHS = " ▏▎▍▌▋▊▉"


def size(count: float) -> str:
    """Bytes in three digits or so: ``0 B``, ``12.3 MiB``, ``268 MiB``, ``1.0 GiB``."""
    unit = 0
    while count >= 1023.5 and unit < len(_UNITS) - 1:
        count /= 1024
        unit += 1
    digits = 1 if unit and count < 99.95 else 0
    return f"{count:.{digits}f} {_UNITS[unit]}"


def rate(bytes_per_second: float | None) -> str:
    return "" if bytes_per_second is None else f"{size(bytes_per_second)}/s"


def milliseconds(seconds: float | None) -> str:
    """``0.4 ms``, ``35 ms``; empty while unknown."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.{0 if seconds >= 0.00995 else 1}f} ms"


def duration(seconds: float) -> str:
    """``0:14``, ``1:02:03``, ``3d 04:05``; whole seconds."""
    whole = max(0, int(seconds))
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def took(seconds: float) -> str:
    """How long something took, with tenths where they matter: ``35 ms``, ``3.4 s``, ``0:23``, ``1:02:03``."""
    if seconds < 0.0995:
        return milliseconds(seconds)
    return f"{seconds:.1f} s" if seconds < 9.95 else duration(seconds)


def percent(fraction: float | None) -> str:
    """Whole percent, rounded down: 100 % means all of it. Empty while unknown."""
    return "" if fraction is None else f"{int(fraction * 100)} %"


def bar(fraction: float, width: int, ascii_only: bool = False) -> str:
    """A bar of exactly `width` cells, with eighths of a block, or ``#`` and ``.``."""
    fraction = min(1.0, max(0.0, fraction))
    if ascii_only:
        full = int(fraction * width)
        return "#" * full + "." * (width - full)
    full, part = divmod(int(fraction * width * 8), 8)
    cells = "█" * full + (_EIGHTHS[part] if part else "")
    return cells + "░" * (width - len(cells))


def moment(timestamp: float) -> str:
    """A time of the epoch as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(timestamp))


def recent(timestamp: float, now: float) -> str:
    """`clock`, or `moment` where that was on another day."""
    return clock(timestamp) if moment(timestamp)[:10] == moment(now)[:10] else moment(timestamp)


def time_of_day(timestamp: float, now: float) -> str:
    """``16:40``, or ``2026-11-26 16:40`` where that was on another day."""
    text = moment(timestamp)[:16]
    return text[11:] if text[:10] == moment(now)[:10] else text


def clock(timestamp: float) -> str:
    """A time of the epoch as local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(timestamp))
