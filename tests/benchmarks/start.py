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
DOMAINS = 100
TEST_DRIVER = "test:///default"


def figures() -> list[Figure]:
    with own_folder() as env:
        return [*_list(env), *_console(env)]


def _list(env: dict[str, str]) -> list[Figure]:
    virsh = shutil.which("virsh")
    if virsh is None:
        return []
    uri = TEST_DRIVER if hypervisor_missing() else HYPERVISOR
    took = _side_by_side(
        env,
        [virsh, "-c", uri, "list", "--all"],
        [*VIRT_JOBS, "-c", uri, "list"],
        [sys.executable, "-c", "import asyncio, click, libvirt"],
        [sys.executable, "-c", "pass"],
    )
    return [
        Figure(f"virt-jobs list / virsh list, {uri}", took[1] / took[0], 5.0, "x"),
        *(
            Figure(what, seconds * 1000, None, "ms")
            for what, seconds in zip(
                ("virsh list", "virt-jobs list", "Python with asyncio, click and libvirt", "Python"), took, strict=True
            )
        ),
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
    starts = {
        "an empty Textual app": ([*PEERS, "empty"], EMPTY_CURSOR),
        f"the console, {DOMAINS} domains of libvirt's test driver": ([*VIRT_JOBS, "-c", f"test://{node}"], CURSOR),
        f"the console, {DOMAINS} simulated domains": ([*VIRT_JOBS, "-c", simulator], CURSOR),
    }
    took: dict[str, list[float]] = {what: [] for what in starts}
    for _ in range(STARTS):
        for what, (command, mark) in starts.items():
            with PseudoTerminal(command, env) as terminal:
                took[what].append(terminal.until_painted(mark) - terminal.began)
    empty, *ours = (median(seconds) for seconds in took.values())
    whats = list(starts)
    return [
        Figure(f"start to full paint, {whats[0]}", empty * 1000, None, "ms"),
        *(
            Figure(f"start to full paint, {what}", seconds * 1000, 1.4 * empty * 1000, "ms")
            for what, seconds in zip(whats[1:], ours, strict=True)
        ),
    ]


def _domain(number: int) -> str:
    return f"<domain type='test'><name>vm-{number:03}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
