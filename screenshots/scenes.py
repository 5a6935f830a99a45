"""The screens that are pictured, and how a user gets there."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from types import SimpleNamespace
from unittest.mock import patch

from textual.pilot import Pilot

from backend.model import BlockOperation, JobOperation, Operation
from backend.observing.watcher import Watcher
from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry
from backend.records.history import History
from backend.running.place import Place
from backend.simulator import SimulatorBackend
from tui.app import Console
from tui.config.values import Config, Dumps
from tui.session.job_wait import JobWait

SIZE = (120, 34)
BEGIN = 1_767_269_000.0
"""A Thursday at noon; everything on the simulator follows from the clock."""
FREE = 412 << 30
"""Bytes that are free where the dumps go to."""
PATH = "/var/lib/libvirt/dumps/{domain}-{time}.{format}"
LIMIT = 200
"""How often the screen is looked at, 0.05 s apart, before something on it counts as missing."""
ENDED = "mail-01 ? snapshot"
"""The verdict on a job that is over after six seconds, some time after that."""
STILL = 8
"""How often the screen is looked at, 0.1 s apart, and is the same, before all that a moment brings is on it."""


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> float:
        return self.now


class Visitor:
    """Presses keys, and waits for what they bring."""

    def __init__(self, app: Console, pilot: Pilot[None], clock: Clock) -> None:
        self.app = app
        self.pilot = pilot
        self._clock = clock

    @property
    def screen(self) -> str:
        return "\n".join(line.text for line in self.app.screen._compositor.render_strips())

    async def sees(self, *texts: str) -> None:
        for _ in range(LIMIT):
            if all(text in self.screen for text in texts):
                return
            await self.pilot.pause(0.05)
        raise AssertionError(f"{texts} are not on the screen:\n{self.screen}")

    async def lets_pass(self, seconds: int) -> None:
        """Let the simulated time go on, a second at once, as the screen follows."""
        for _ in range(seconds):
            before = self.screen
            self._clock.now += 1
            for _ in range(LIMIT):
                if self.screen != before:
                    break
                await self.pilot.pause(0.05)
            await self.comes_to_rest()

    async def comes_to_rest(self) -> None:
        still = 0
        while still < STILL:
            before = self.screen
            await self.pilot.pause(0.1)
            still = still + 1 if self.screen == before else 0

    async def goes_to(self, name: str) -> None:
        await self.lets_pass(2)
        await self.pilot.press("slash", *("minus" if letter == "-" else letter for letter in name), "enter")
        await self.sees(f"▌ {name}")
        await self.pilot.press("home", "escape")  # The cursor would go back if it were not moved.
        await self.sees("web-01", f"▌ {name}")


async def console(visitor: Visitor) -> None:
    await visitor.lets_pass(6)
    await visitor.sees(ENDED)


async def dump(visitor: Visitor) -> None:
    await visitor.goes_to("db-01")
    await visitor.pilot.press("d")
    await visitor.sees("virt-jobs -c sim:///demo dump")


async def wait(visitor: Visitor) -> None:
    await visitor.goes_to("cache-01")
    await visitor.pilot.press("w")
    await visitor.lets_pass(4)
    await visitor.sees(ENDED)
    await visitor.lets_pass(1)


async def keys(visitor: Visitor) -> None:
    await visitor.lets_pass(2)
    await visitor.pilot.press("question_mark")
    await visitor.sees("Show all keys", "Last domain")


async def history(visitor: Visitor) -> None:
    await visitor.lets_pass(2)
    await visitor.pilot.press("J")
    await visitor.sees("pg-2.save", "▸ running")
    await visitor.pilot.press("slash", "!", *"running", "enter")
    await visitor.sees("/!running")


def _past_jobs() -> Iterator[JobEntry]:
    """What happened before: of each job the hours for which it is over, and the seconds that it took."""
    disk_full = (
        "operation failed: /usr/libexec/libvirt_iohelper: failure with /dumps/db-02.raw: No space left on device"
    )
    jobs: list[tuple[float, float, str, Operation, Verdict, Evidence, dict[str, str]]] = [
        (0.4, 33, "web-03", JobOperation.DUMP, Verdict.COMPLETED, Evidence.RESULT,
         {"path": "/dumps/web-03.kdump-zlib", "format": "kdump-zlib", "requester": "alice@hv1"}),
        (0.9, 7, "mail-01", JobOperation.SNAPSHOT, Verdict.UNPROVEN, Evidence.NONE,
         {"detail": "The hypervisor had finished and was closing the file when it was last looked at."}),
        (1.2, 41, "db-02", JobOperation.DUMP, Verdict.FAILED, Evidence.RESULT,
         {"error": disk_full, "path": "/dumps/db-02.raw", "requester": "bob@hv1"}),
        (2.1, 187, "web-01", JobOperation.MIGRATION_OUT, Verdict.COMPLETED, Evidence.LIFECYCLE, {}),
        (3.0, 512, "files-01", BlockOperation.COPY, Verdict.COMPLETED, Evidence.JOB_EVENT, {"disk": "vdb"}),
        (8.5, 93, "db-01", JobOperation.BACKUP, Verdict.COMPLETED, Evidence.JOB_EVENT, {"requester": "root@hv1"}),
        (8.6, 12, "kiosk-01", JobOperation.DUMP, Verdict.COMPLETED, Evidence.FILE,
         {"path": "/var/lib/libvirt/qemu/dump/kiosk-01", "requester": "libvirt (guest panicked)"}),
        (12.3, 64, "git-01", BlockOperation.ACTIVE_COMMIT, Verdict.CANCELLED, Evidence.JOB_EVENT, {"disk": "vda"}),
        (31.0, 25, "pg-2", JobOperation.SAVE, Verdict.COMPLETED, Evidence.LIFECYCLE,
         {"path": "/var/lib/libvirt/qemu/save/pg-2.save", "requester": "alice@hv1"}),
    ]  # fmt: skip
    for number, (hours, took, name, operation, verdict, evidence, known) in enumerate(jobs):
        ended = BEGIN - hours * 3600
        yield JobEntry(
            **{"disk": None} | known,
            id=f"{number}",
            uri="sim:///demo",
            uuid=f"{number}",
            domain=name,
            domain_id=1,
            operation=operation,
            began=ended - took,
            exact=True,
            observer="root@hv1 (witness)",
            ended=ended,
            verdict=verdict,
            evidence=evidence,
        )


SCENES: dict[str, Callable[[Visitor], Awaitable[None]]] = {
    "console": console,
    "dump": dump,
    "wait": wait,
    "keys": keys,
    "history": history,
}


async def picture(name: str) -> str:
    """The SVG of that scene."""
    clock = Clock()
    with _frozen(clock):
        for entry in _past_jobs():
            History().keep(entry)
        app = Console(["sim:///demo"], config=Config(dump=Dumps(path=PATH)))
        async with app.run_test(size=SIZE) as pilot:
            visitor = Visitor(app, pilot, clock)
            await visitor.sees("20 domains · ", "└ vdb", "db-01", "ldap-01 paused (I/O error)")
            await SCENES[name](visitor)
            await visitor.comes_to_rest()  # What is below a dialog is painted after it.
            drawn = app.export_screenshot(title="virt-jobs")
    # The letters are to be found where the picture is looked at, not fetched from elsewhere.
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL) + "\n"


@contextlib.contextmanager
def _frozen(clock: Clock) -> Iterator[None]:
    """A state folder, a time zone and a clock that are the same everywhere and always."""
    standing = SimpleNamespace(time=clock, monotonic=clock)
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory())
        stack.callback(time.tzset)
        stack.enter_context(patch.dict(os.environ, XDG_STATE_HOME=state, TZ="UTC"))
        time.tzset()
        for target, replacement in {
            "tui.session.host.open_backend": lambda uri, readonly: SimulatorBackend(uri, readonly, clock=clock),
            "tui.session.host.Watcher": partial(Watcher, clock=clock),
            "tui.widgets.details_lines.time": standing,
            "tui.widgets.details_pane.time": standing,
            "tui.session.activity.time": standing,
            "tui.session.tally.time": standing,
            "tui.session.host.time": standing,
            "tui.session.job_news.time": standing,
            "backend.observing.memory.time": standing,
            "backend.observing.memory.boottime": clock,
            "tui.dumping.dump_form.time": standing,
            "tui.dumping.dump_form.look_at": lambda path: Place(exists=False, folder=True, free=FREE),
        }.items():
            stack.enter_context(patch(target, replacement))
        stack.enter_context(patch.object(JobWait.__init__, "__defaults__", (None, None, None, clock)))
        yield
