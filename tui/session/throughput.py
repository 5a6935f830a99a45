"""How fast jobs went over their whole lives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.session.rows import Row, RowKey

KEPT = 128
"""Steps kept for a job; beyond that, pairs are merged."""
FIRST_STEP = 250
"""ms"""
_EIGHTHS = "▁▂▃▄▅▆▇█"


class Throughput:
    """One job, step by step since it started; the time before it was first seen counts as even."""

    def __init__(self) -> None:
        self.elapsed = 0
        self.rates: list[float] = []
        """Bytes a second, in each step."""
        self.remaining: list[float] = []
        """Bytes still to do, at the end of each."""
        self._step = FIRST_STEP
        self._processed = 0

    def learn(self, elapsed: int, processed: int, remaining: int = 0) -> None:
        """Take in that after `elapsed` ms so many bytes were done, and so many remained."""
        steps = (elapsed - self.elapsed) // self._step
        if steps < 1:
            return
        rate = max(0, processed - self._processed) * 1000 / (elapsed - self.elapsed)
        self.elapsed, self._processed = elapsed, processed
        while steps + len(self.rates) > KEPT:
            self.rates, self.remaining = _halved(self.rates), _halved(self.remaining)
            self._step *= 2
            steps = max(1, steps // 2)
        self.rates += [rate] * steps
        self.remaining += [remaining] * steps


class Throughputs:
    """Those of all running jobs."""

    def __init__(self) -> None:
        self._jobs: dict[RowKey, Throughput] = {}

    def get(self, key: RowKey) -> Throughput | None:
        return self._jobs.get(key)

    def learn(self, rows: Iterable[Row]) -> None:
        """Take in how far the jobs of these rows are."""
        for row in rows:
            if row.progress is None:
                self._jobs.pop(row.key, None)
                continue
            stats = row.progress.stats
            throughput = self._jobs.get(row.key)
            if throughput is None or stats.time_elapsed < throughput.elapsed:
                throughput = self._jobs[row.key] = Throughput()
            throughput.learn(stats.time_elapsed, stats.processed, stats.remaining)

    def forget(self, keys: Iterable[RowKey]) -> None:
        for key in keys:
            self._jobs.pop(key, None)


def _halved(values: Sequence[float]) -> list[float]:
    pairs = zip(values[::2], values[1::2] or values[::2], strict=False)
    return [(first + second) / 2 for first, second in pairs]


def sparkline(rates: Sequence[float], cells: int) -> str:
    """The rates in at most so many cells, the highest one as a full block."""
    cells = min(cells, len(rates))
    most = max(rates, default=0.0)
    if cells <= 0 or most <= 0:
        return _EIGHTHS[0] * max(0, cells)
    parts = [rates[len(rates) * cell // cells : len(rates) * (cell + 1) // cells] for cell in range(cells)]
    return "".join(_EIGHTHS[min(7, int(sum(part) / len(part) / most * 8))] for part in parts)
