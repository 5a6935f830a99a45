"""What a benchmark gives: figures, each with what it must reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `ours` is good when it is at most `target`; both in `unit`."""

    what: str
    ours: float
    target: float | None
    """None: told for the sake of comparison."""
    unit: str

    @property
    def ratio(self) -> float | None:
        return self.ours / self.target if self.target else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that is not exceeded by that share of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(figures: Sequence[Figure]) -> list[str]:
    """Lines: what, ours, target, ratio."""
    width = max((len(figure.what) for figure in figures), default=0)
    lines = [f"{'what':{width}}  {'ours':>12}  {'target':>12}  {'ratio':>6}"]
    for figure in figures:
        target = f"{figure.target:.4g} {figure.unit}" if figure.target is not None else "-"
        ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else "-"
        lines.append(f"{figure.what:{width}}  {f'{figure.ours:.4g} {figure.unit}':>12}  {target:>12}  {ratio:>6}")
    return lines
