"""How quickly the console answers keys while its domains change, and what it costs: in a real pseudo-terminal.

Its simulator runs inside the same process, in a thread of its own; the CPU of the first thread is the console's.
What other programs on the machine do shows in the 95th percentile: see that of the empty app, which does nothing.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.figures import Figure, percentile
from tests.benchmarks.peers import DATA_TABLE_CURSOR, EMPTY_CURSOR, PEERS
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, own_folder

KEYS = 100
IDLE = 20.0
LOAD = 10.0
"""Seconds that CPU and output are measured for."""
SETTLING = 3.0
LOADS = ((100, 0), (100, 100), (1_000, 100), (1_000, 1_000), (10_000, 0), (10_000, 100), (10_000, 1_000))
"""Domains, and how many of them have a job."""
DATA_TABLE_LOADS = ((1_000, 100), (10_000, 1_000))
ANYTHING = rb"\x1b"
"""For a program that paints nothing unless it is asked to."""
VI, ARROWS = (b"j", b"k"), (b"\x1b[B", b"\x1b[A")
HALF_PAGE = b"\x04"
PAUSE = 0.4


@dataclass(frozen=True, slots=True)
class Cost:
    """What a console takes while it is left alone."""

    cpu: float
    """The part of one core that all its threads take."""
    own: float
    """That of its first thread."""
    output: float
    """Bytes a second."""
    memory: int


def figures() -> Iterator[Figure]:
    with own_folder() as env:
        with PseudoTerminal([*PEERS, "empty"], env) as empty:
            of_empty = key_delays(empty, EMPTY_CURSOR, VI)
        yield from _paints("an empty Textual app", of_empty)
        if htop := shutil.which("htop"):
            with PseudoTerminal([htop, "--delay=100"], env) as peer:
                yield from _paints("htop", key_delays(peer, ANYTHING, ARROWS))
        for domains, jobs in LOADS:
            yield from _console(env, domains, jobs, 2 * percentile(of_empty, 0.95))


def _console(env: dict[str, str], domains: int, jobs: int, prompt: float) -> Iterator[Figure]:
    """`prompt`: seconds in which a key is to be answered."""
    load = f"{domains:,} domains, {jobs:,} jobs"
    uri = simulator(env, domains, jobs)
    with PseudoTerminal([*VIRT_JOBS, "-c", uri], env) as console:
        ours = _cost(console, CURSOR, LOAD if jobs else IDLE)
        latencies = key_delays(console, CURSOR, VI, HALF_PAGE)
    yield from _paints(load, latencies, prompt * 1000)
    yield Figure(f"CPU, {load}", ours.cpu * 100, None if jobs or domains > 100 else 0.5, "%")
    yield Figure(f"CPU of its first thread, {load}", ours.own * 100, 8.0 if jobs else None, "%")
    yield Figure(f"output, {load}", ours.output / 1000, 12.0 if jobs else 0.0, "kB/s")
    yield Figure(f"memory, {load}", ours.memory / 1e6, 100.0, "MB")
    if (domains, jobs) in DATA_TABLE_LOADS:
        with PseudoTerminal([*PEERS, "data-table", uri], env) as peer:
            theirs = _cost(peer, DATA_TABLE_CURSOR, LOAD)
            their_latencies = key_delays(peer, DATA_TABLE_CURSOR, VI)
        yield from _paints(f"{load}, in a DataTable", their_latencies)
        yield Figure(f"CPU, {load}, in a DataTable", theirs.cpu * 100, None, "%")


def _paints(what: str, latencies: list[float], target: float | None = None) -> list[Figure]:
    return [
        Figure(f"key to paint, {what}, p{share:.0%}".replace("%", ""), percentile(latencies, share) * 1000, aim, "ms")
        for share, aim in ((0.5, None), (0.95, target))
    ]


def simulator(env: dict[str, str], domains: int, jobs: int) -> str:
    """A simulator of that size, made beforehand."""
    uri = f"sim:///bench-{domains}-{jobs}?domains={domains}&jobs={jobs}"
    subprocess.run([*VIRT_JOBS, "-c", uri, "list"], env=env, stdout=subprocess.DEVNULL, check=True)
    return uri


def _cost(console: PseudoTerminal, mark: bytes, seconds: float) -> Cost:
    console.until_painted(mark)
    console.read_for(SETTLING)
    cpu, own, began = console.cpu, console.cpu_of_first_thread, time.perf_counter()
    written = console.read_for(seconds)
    took = time.perf_counter() - began
    return Cost(
        cpu=(console.cpu - cpu) / took,
        own=(console.cpu_of_first_thread - own) / took,
        output=written / took,
        memory=console.memory,
    )


def key_delays(
    terminal: PseudoTerminal, mark: bytes, keys: tuple[bytes, bytes], page: bytes = b"", number: int = KEYS
) -> list[float]:
    """Seconds from each of so many keys, down and up in turn, to the cursor's mark on another line.

    With `page`, the cursor is first moved away from the top, where the order of the rows would move it too.
    """
    terminal.until_painted(mark)
    terminal.read_for(SETTLING)
    down, up = keys
    for key in (page, page, up, up, up) if page else ():
        terminal.press(key)
        terminal.read_for(PAUSE)
    terminal.press(up)
    terminal.read_for(PAUSE)
    line = None
    found: list[float] = []
    missed = 0
    while len(found) < number:
        # Keys come whenever they come, not in step with the changes.
        terminal.read_for(random.uniform(0.05, 0.15))
        if mark is not ANYTHING and (lines := terminal.lines_of(mark)):
            line = lines[-1]
        pressed = terminal.press(up if len(found) % 2 else down)
        try:
            found.append(terminal.until_painted(mark, line) - pressed)
        except TimeoutError:
            # The cursor follows its domain: where that has come to an edge, the list moves and the cursor does not.
            missed += 1
            if missed > number // 20:
                raise
    return found
