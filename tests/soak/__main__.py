"""A fleet that everything happens to: ``python -m tests.soak [--minutes N] [--seed S] ...``.

Several libvirtd of its own, with small real domains, and a simulator. Random dumps are asked for and waited for while
daemons die and connections break; each verdict is held against what really happened. Exits with 1 where a verdict is
wrong, something crashes, or something leaks. Needs root and QEMU; ends only what it started.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from backend.libvirt.connection.loop import ensure_running
from backend.records import process
from backend.records.journal import Journal
from tests.eventually import eventually
from tests.hypervisor.daemon import firmware
from tests.soak import leaks
from tests.soak.fleet import Fleet, Size
from tests.soak.leaks import Held
from tests.soak.tally import Tally

ALLOCATED, BLOCKS = 4 << 20, 20_000
"""Bytes, and pieces of Python's, that may be in use more in the last third of the time than in the middle one."""
LEFT = 60.0
"""Seconds after the end in which the last threads and runners end."""


def main() -> int:
    options = _options()
    print(f"seed {options.seed}", flush=True)
    root = Path(tempfile.mkdtemp(prefix="vj-soak-", dir="/tmp"))  # The paths of sockets must be short.
    root.chmod(0o755)
    try:
        return _soak(options, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _soak(options: argparse.Namespace, root: Path) -> int:
    for program in ("halt", "fill"):
        firmware(program)  # Outside of what has to be left behind empty.
    os.umask(0)  # What is written for a daemon to overwrite has to be writable for it.
    os.environ["XDG_STATE_HOME"] = str(root / "state")
    os.environ["XDG_CONFIG_HOME"] = str(root / "config")
    (root / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(root / "tmp")
    ensure_running()
    tally, before = Tally(), Held.now()
    witnesses = options.hosts if options.witnesses is None else options.witnesses
    size = Size(options.hosts, options.domains, options.simulated, options.minutes * 60, witnesses)
    fleet = Fleet(root, options.seed, size, tally)
    interrupted = False
    try:
        asyncio.run(_until_told_to_end(fleet))
    except (KeyboardInterrupt, asyncio.CancelledError):
        interrupted = True
    found = _left_behind(root, before)
    allocated = leaks.growth([sample.allocated for sample in fleet.samples])
    if allocated > ALLOCATED:
        found.append(f"{allocated / 1e6:.1f} MB")
    blocks = leaks.growth([sample.blocks for sample in fleet.samples])
    if blocks > BLOCKS:
        found.append(f"{blocks:,} of Python's pieces of memory")
    print(f"seed {options.seed}, {size}")
    if options.stories:
        print("\n".join(tally.unknown))
    print("\n".join(tally.table()))
    if fleet.samples:
        print("\n".join(_trends(fleet.samples)))
        print(f"in use, from the middle third to the last: {allocated / 1e6:+.1f} MB, {blocks:+,} of Python's pieces")
    print("left behind: " + ("; ".join(found) or "nothing"), flush=True)
    if interrupted:
        return 130
    return 1 if tally.wrong or found else 0


def _trends(samples: list[Held]) -> Iterator[str]:
    """What was held at first, at the most, and at last."""
    moments = samples[0], max(samples, key=lambda held: held.descriptors.total()), samples[-1]
    for when, held in zip(("at first", "with the most descriptors", "at last"), moments, strict=True):
        files = sum(count for name, count in held.descriptors.items() if "/" in name)
        kinds = ", ".join(f"{count} {name}" for name, count in held.descriptors.items() if "/" not in name)
        memory = f"{held.memory / 1e6:.0f} MB, of which libraries use {held.allocated / 1e6:.1f} MB"
        yield (
            f"{when}: {memory}, and Python {held.blocks:,} pieces, "
            f"{held.threads.total()} threads, {files} files, {kinds}"
        )


async def _until_told_to_end(fleet: Fleet) -> None:
    """Run, and clean up on SIGTERM as on Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await fleet.run()


def _left_behind(root: Path, before: Held) -> list[str]:
    """What is there that was not there before, a while after the end."""

    def remains() -> list[str]:
        alive = [record.domain for record in Journal().history() if not record.over and process.runner_alive(record)]
        return [
            *Held.now().beyond(before),
            *(["a connection to libvirt"] * leaks.connections()),
            *(f"the runner of {name}" for name in alive),
            *(f"the zombie {child}" for child in leaks.children(zombies=True)),
            *(f"the process {process}" for process in leaks.processes_in(root)),
            *(f"the mount {mount}" for mount in leaks.mounts_in(root)),
            *(f"the temporary file {path.name}" for path in (root / "tmp").iterdir()),
        ]

    until = time.monotonic() + LEFT
    try:
        eventually(lambda: not remains(), until - time.monotonic())
    except AssertionError:
        return remains()
    return []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long new dumps are asked for")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats what is chosen")
    parser.add_argument("--hosts", type=int, default=3, help="libvirtd of its own")
    parser.add_argument("--domains", type=int, default=4, help="domains on each of them")
    parser.add_argument("--simulated", type=int, default=4, help="domains of the simulator")
    parser.add_argument("--witnesses", type=int, help="hosts that have a witness (default: all)")
    parser.add_argument("--stories", action="store_true", help="tell what led to what a witness could not prove")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
