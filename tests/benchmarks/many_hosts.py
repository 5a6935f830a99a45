"""What one console on many simulated hosts costs, in a real pseudo-terminal.

The simulators run inside the console's process: their share, in the first thread and others, is part of the figure.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from tests.benchmarks.figures import Figure
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, own_folder

HOSTS, DOMAINS, JOBS = 60, 100, 3
"""Hosts, and on each of them domains and jobs."""
SETTLING, SECONDS = 15.0, 20.0
TARGET = 30.0
"""Percent of a core."""


def figures() -> list[Figure]:
    with own_folder() as env:
        return list(_figures(env))


def _figures(env: Mapping[str, str]) -> Iterator[Figure]:
    # The simulator's own jobs last 5 to 45 seconds, and each is followed by the next.
    uris = [f"sim:///hv{number}?domains={DOMAINS}&jobs={JOBS}" for number in range(1, HOSTS + 1)]
    with PseudoTerminal([*VIRT_JOBS, *(option for uri in uris for option in ("-c", uri))], env) as console:
        console.until_painted(CURSOR)
        console.read_for(SETTLING)
        all_threads, first_thread, began = console.cpu, console.cpu_of_first_thread, time.perf_counter()
        console.read_for(SECONDS)
        took = time.perf_counter() - began
        load = f"{HOSTS} hosts with {DOMAINS} domains, {HOSTS * JOBS} jobs"
        yield Figure(f"CPU of a console, {load}", (console.cpu - all_threads) / took * 100, TARGET, "%")
        first = (console.cpu_of_first_thread - first_thread) / took * 100
        yield Figure(f"CPU of its first thread, {load}", first, None, "%")
