"""Ten hosts, of which one is stopped, one is killed and one has a hung domain: whether the other seven feel it.

Ten daemons with small paused domains, one console on all of them in a real pty. The delay of keys, and from a job's
begin to the screen, on the seven, before the three faults and after.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import mean, median

from tests.benchmarks.console import VI, key_delays
from tests.benchmarks.detection import delays
from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, own_folder
from tests.hypervisor.site import Site, held_dump, hung_dump, site

HOSTS, DOMAINS = 10, 3
JOBS = 60
ROUNDS = 3
"""Of the keys' delays, of which the one in the middle counts."""
SETTLING, ALL_SEEN = 10.0, 30.0
"""Seconds until the console is at rest, and until it knows of all faults."""
TARGET = 1.2


@dataclass(frozen=True, slots=True)
class Feeling:
    """Seconds."""

    key: float
    late_key: float
    job: float


def figures() -> list[Figure]:
    with own_folder() as env, ExitStack() as stack:
        sites = _sites(stack)
        uris = [option for there in sites for option in ("-c", there.daemon.uri)]
        console = stack.enter_context(PseudoTerminal([*VIRT_JOBS, *uris], env))
        console.until_painted(CURSOR)
        console.read_for(SETTLING)
        stopped, killed, hung, *good = sites
        before = _feeling(console, good)
        stopped.daemon.signal(signal.SIGSTOP)
        killed.daemon.kill()
        stack.enter_context(hung_dump(hung.daemon, hung.domains[0]))
        console.read_for(ALL_SEEN)
        after = _feeling(console, good)
    return list(_lines(before, after))


def _sites(stack: ExitStack) -> list[Site]:
    contexts = [site(f"hv{number}", DOMAINS) for number in range(HOSTS)]
    with ThreadPoolExecutor(2) as pool:
        entered = [pool.submit(context.__enter__) for context in contexts]
    for context in contexts:
        stack.push(context)
    return [done.result() for done in entered]


def _feeling(console: PseudoTerminal, good: Sequence[Site]) -> Feeling:
    keys = [key_delays(console, CURSOR, VI) for _ in range(ROUNDS)]
    jobs = delays(console, (held_dump(there, random.choice(there.domains)) for there in random.choices(good, k=JOBS)))
    return Feeling(
        median(percentile(some, 0.5) for some in keys), median(percentile(some, 0.95) for some in keys), mean(jobs)
    )


def _lines(before: Feeling, after: Feeling) -> Iterator[Figure]:
    faults = "one host stopped, one killed, one with a hung domain"
    for what, well, ill in (
        ("key to paint, p50", before.key, after.key),
        ("key to paint, p95", before.late_key, after.late_key),
        ("a job's begin to the screen, mean", before.job, after.job),
    ):
        yield Figure(f"{what}, {HOSTS} hosts", well * 1000, None, "ms")
        yield Figure(f"{what}, {faults}", ill * 1000, TARGET * well * 1000, "ms")
