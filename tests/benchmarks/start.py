"""How long it takes to start: the list as a process, beside virsh's, and the console to its first full paint."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import Figure
from tests.benchmarks.peers import EMPTY_CURSOR, PEERS
from tests.benchmarks.pseudo_terminal import CURSOR, VIRT_JOBS, PseudoTerminal, own_folder
from tests.conftest import HYPERVISOR, hypervisor_missing

RUNS = 20
STARTS = 8
START_TARGET = 1.4
"""Times an empty app."""
DOMAINS = 100
TEST_DRIVER = "test:///default"


def figures() -> list[Figure]:
    with own_folder() as env:
        return [*_list(env), *_console(env)]


def _list(env: dict[str, str]) -> list[Figure]:
    uri = TEST_DRIVER if hypervisor_missing() else HYPERVISOR
    return listing(env, uri, uri)


def listing(env: dict[str, str], uri: str, what: str) -> list[Figure]:
    """The list as a process beside virsh's, and what Python and the three libraries alone take."""
    if shutil.which("virsh") is None:
        return []
    took = _side_by_side(
        env,
        ["virsh", "-c", uri, "list", "--all"],
        [*VIRT_JOBS, "-c", uri, "list"],
        [sys.executable, "-c", "import asyncio, click, libvirt"],
        [sys.executable, "-c", "pass"],
    )
    whats = ("virsh list", "virt-jobs list", "Python that loads asyncio, click and libvirt", "Python")
    return [
        Figure(f"virt-jobs list / virsh list, {what}", took[1] / took[0], 5.0, "x"),
        Figure(f"{whats[2]} / virsh list", took[2] / took[0], None, "x"),
        *(Figure(f"{name}, {what}", seconds * 1000, None, "ms") for name, seconds in zip(whats, took, strict=True)),
    ]


def _side_by_side(env: dict[str, str], *commands: Sequence[str]) -> list[float]:
    """The median of the seconds that each command takes; in turns, so that all see the same machine."""
    took: list[list[float]] = [[] for _ in commands]
    for _ in range(RUNS):
        for command, seconds in zip(commands, took, strict=True):
            began = time.perf_counter()
            subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - began)
    return [median(seconds) for seconds in took]


def _console(env: dict[str, str]) -> list[Figure]:
    """The console on libvirt's test driver, which needs no daemon, and on the simulator; both with 100 domains."""
    node = Path(env["XDG_STATE_HOME"]).parent / "node.xml"
    node.write_text(f"<node>{''.join(map(_domain, range(DOMAINS)))}</node>")
    simulator = f"sim:///bench?domains={DOMAINS}&jobs=0"
    subprocess.run([*VIRT_JOBS, "-c", simulator, "list"], env=env, stdout=subprocess.DEVNULL, check=True)
    return first_paints(
        env,
        {
            f"{DOMAINS} domains of libvirt's test driver": f"test://{node}",
            f"{DOMAINS} simulated domains": simulator,
        },
    )


def first_paints(env: dict[str, str], consoles: dict[str, str]) -> list[Figure]:
    """From the start to the first full paint, beside an empty app; `consoles`: what is shown, and its URI."""
    starts = {"an empty Textual app": ([*PEERS, "empty"], EMPTY_CURSOR)}
    starts |= {f"the console, {what}": ([*VIRT_JOBS, "-c", uri], CURSOR) for what, uri in consoles.items()}
    took: dict[str, list[float]] = {what: [] for what in starts}
    for _ in range(STARTS):
        for what, (command, mark) in starts.items():
            with PseudoTerminal(command, env) as terminal:
                took[what].append(terminal.until_painted(mark) - terminal.began)
    empty, *_ = medians = {what: median(seconds) for what, seconds in took.items()}
    return [
        Figure(
            f"start to full paint, {what}",
            seconds * 1000,
            None if what == empty else START_TARGET * medians[empty] * 1000,
            "ms",
        )
        for what, seconds in medians.items()
    ]


def _domain(number: int) -> str:
    return f"<domain type='test'><name>vm-{number:03}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
