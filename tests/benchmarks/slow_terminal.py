"""How quickly the console answers keys on a terminal that takes few bytes a second, while jobs move on it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.console import HALF_PAGE, LOAD, VI, key_delays, simulator
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, own_folder

DOMAINS, JOBS = 200, 100
KEYS = 400
"""As many as take a minute or more."""
RATES = ((9_600.0, 1.0), (20_000.0, 0.3), (50_000.0, 0.3))
"""Bytes a second, and seconds that a key may take there."""


def figures() -> Iterator[Figure]:
    with own_folder() as env:
        uri = simulator(env, DOMAINS, JOBS)
        for rate, target in RATES:
            with PseudoTerminal([*VIRT_JOBS, "-c", uri], env, rate) as console:
                found = key_delays(console, CURSOR, VI, HALF_PAGE, KEYS)
                output = console.read_for(LOAD) / LOAD
            line = f"a terminal of {rate / 1000:g} kB/s, {JOBS} jobs"
            for share, aim in ((0.5, None), (0.95, target)):
                yield Figure(f"key to paint, {line}, p{share * 100:.0f}", percentile(found, share), aim, "s")
            yield Figure(f"output, {line}", output / 1000, 12.0, "kB/s")
