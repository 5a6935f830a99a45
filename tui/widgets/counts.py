"""The numbers in the status line: what somebody should see to stays the longest where there is little room."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

BETWEEN = " · "


@dataclass(frozen=True, slots=True)
class Counts:
    domains: int
    problems: int
    """Domains that somebody should see to."""
    running: int
    """Jobs."""
    failed: int
    """Jobs that were seen to fail."""
    unproven: int
    """Jobs that were seen to end without proof of how."""


@dataclass(frozen=True, slots=True)
class _Part:
    words: str
    short: str
    style: str
    rank: int
    """The part with the highest rank is left out first; 0 never is."""


def phrase(counts: Counts, cells: int) -> Content:
    """The counts in so many cells: in full, else shorter, else without the least important."""
    parts = _parts(counts)
    for words in ([part.words for part in parts], [part.short for part in parts]):
        if _width(words) <= cells:
            break
    while len(parts) > 1 and _width([part.short for part in parts]) > cells:
        parts.remove(max(parts, key=lambda part: part.rank))
        words = [part.short for part in parts]
    return Content(BETWEEN).join(Content.styled(text, part.style) for text, part in zip(words, parts, strict=True))


def _parts(counts: Counts) -> list[_Part]:
    jobs = f"{counts.running} job{'' if counts.running == 1 else 's'} running"
    parts = [
        _Part(_number(counts.domains, "domain"), f"{counts.domains} dom", "$foreground", 4),
        _Part(_number(counts.problems, "problem"), _number(counts.problems, "problem"), "bold $warning", 0),
        _Part(jobs, f"{counts.running} running", "$foreground", 3),
        _Part(f"{counts.failed} failed", f"{counts.failed} failed", "bold $error", 1),
        _Part(f"{counts.unproven} unproven", f"{counts.unproven} unproven", "bold $warning", 2),
    ]
    zero = (False, not counts.problems, False, not counts.failed, not counts.unproven)
    return [part for part, left_out in zip(parts, zero, strict=True) if not left_out]


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _width(words: list[str]) -> int:
    return len(BETWEEN.join(words))
