"""One round of one domain: a dump, what happens to it, who waits for it, and whether they were told the truth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from backend.base import Backend
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.errors import BackendError, OperationFailed
from backend.files.inspect import inspect
from backend.job_stats import JobStats
from backend.model import DomainKey, JobOperation
from backend.observing.wait import wait
from backend.outcome import Evidence, Outcome, Verdict
from backend.records import process
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.running.start import start_dump
from tests.soak.machine import LOOK, PATIENCE, ForeignCall, Machine, NeverCame, Returned
from tests.soak.scenario import Asker, Fault, Scenario
from tests.soak.tally import Tally
from tests.soak.truth import Facts, lies

COMMAND = (sys.executable, "-P", "-m", "tui")
_RETURNED = {
    RecordState.COMPLETED: Verdict.COMPLETED,
    RecordState.FAILED: Verdict.FAILED,
    RecordState.CANCELLED: Verdict.CANCELLED,
}


@dataclass
class Dump:
    """One that was asked for."""

    path: Path
    asked: float = field(default_factory=time.time)
    call: ForeignCall | None = None
    record: JobRecord | None = None
    seen: bool = False
    aborted: bool = False


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody who waits."""

    name: str
    waiting: asyncio.Task[Outcome | str]
    """Its outcome, or the kind of error that it ended in."""
    about: list[Dump]
    """Those that there were when it first heard of its job; none where it never heard of any before its end."""


class Story:
    def __init__(self, machine: Machine, scenario: Scenario, number: int, tally: Tally) -> None:
        self._machine = machine
        self._scenario = scenario
        self._number = number
        self._tally = tally
        self._lines: list[str] = []
        self._dumps: list[Dump] = []
        self._waiters: list[Waiter] = []
        self._moment = asyncio.Event()
        self._command: asyncio.subprocess.Process | None = None
        self._key = DomainKey("", None, machine.name)
        self._forged_record: JobRecord | None = None
        self._forging: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Play it to its end, and judge it."""
        self._tell(f"{self._machine.name}, round {self._number}: {self._scenario}")
        try:
            if self._scenario.renamed and await self._machine.rename():
                self._count_fault("domain renamed")
            self._key = await self._machine.ready(self._scenario.paused)
            with self._forged_file():
                await self._ask()
                await self._wait_for_it()
                await self._judge()
        except (TimeoutError, NeverCame) as error:
            self._tally.errors[f"the hypervisor is stuck ({type(error).__name__})"] += 1
            self._tell(f"stuck: {error}")
            await self._machine.begin_anew()
        finally:
            await self._clear()

    @contextlib.contextmanager
    def _forged_file(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self._scenario.forged_file and self._machine.processes:
                self._count_fault("forged helpers")
                path = self._machine.folder / f"{self._machine.name}-{self._number}-forged"
                stack.callback(path.unlink, missing_ok=True)
                stack.enter_context(self._machine.forged_file(path))
            yield

    async def _forge_record(self, request: DumpRequest) -> None:
        """Let a record seem to be that of somebody else's dump, whose runner lives."""
        record = process.running(process.new_record(request, self._machine.direct.uri))
        await self._machine.forge(record)
        self._forged_record = record

    def _forge_claim(self, dump: Dump) -> None:
        """Claim a result, in the words of the dump's own record if it has one, as soon as the domain can be changed."""
        claim, record = self._scenario.forged_claim, dump.record or self._forged_record
        if claim is None or record is None:
            return
        self._count_fault(f"forged record of a {claim} dump")
        error = "" if claim is RecordState.COMPLETED else "forged"
        self._forging = asyncio.create_task(self._machine.forge(process.finished(record, claim, error)))

    def _count_fault(self, name: str) -> None:
        self._tally.faults[name] += 1
        self._tell(name)

    def _tell(self, line: str) -> None:
        self._lines.append(f"{time.strftime('%H:%M:%S')} {self._tally.now:7.2f} {line}")

    async def _ask(self) -> None:
        scenario = self._scenario
        asker, folder = self._machine.target(scenario.full)
        format, memory_only = FORMAT_NAMES[scenario.format]
        flags = DumpFlags.MEMORY_ONLY if memory_only else DumpFlags.NONE
        flags |= DumpFlags.CRASH if scenario.crash else DumpFlags.NONE
        dump = Dump(folder / f"{self._machine.name}-{self._number}")
        if scenario.older and not scenario.full:
            with contextlib.suppress(FileNotFoundError):
                (self._machine.folder / "older").rename(dump.path)
        request = DumpRequest(self._key, str(dump.path), format, flags)
        self._tally.dumps[f"{scenario.asker} as {scenario.format}"] += 1
        match scenario.asker:
            case Asker.OURS:
                await self._ask_ourselves(asker, request, dump)
            case Asker.COMMAND:
                await self._ask_by_command(asker, request, dump)
            case Asker.VIRSH:
                await self._ask_as_others(request, dump)

    async def _ask_ourselves(self, asker: Backend, request: DumpRequest, dump: Dump) -> None:
        try:
            dump.record = await start_dump(asker, request, overwrite=True)
        except BackendError as error:
            self._error("start_dump", error)
            # Its runner may live all the same.
            dump.record = next((one for one in Journal().history() if one.path == request.path), None)
            if dump.record is None:
                return
        dump.seen = True
        self._dumps.append(dump)
        self._attach("who asked", asker, dump.record)
        self._attach("who asked, without the record", asker)
        self._attach_others()

    async def _ask_by_command(self, asker: Backend, request: DumpRequest, dump: Dump) -> None:
        options = ["--crash"] if DumpFlags.CRASH in request.flags else []
        self._command = await asyncio.create_subprocess_exec(
            *(*COMMAND, "-c", asker.uri, "dump", request.domain.uuid, request.path, "--overwrite"),
            *("--format", self._scenario.format, "--json", *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        outcome = asyncio.create_task(self._command_outcome(self._command))
        self._dumps.append(dump)
        over = False
        while dump.record is None and not over:
            over = outcome.done()  # What it was about, it has written down by then.
            known = await asyncio.to_thread(partial(Journal().history, request.domain.uuid))
            dump.record = next((one for one in known if one.path == request.path), None)
            await asyncio.wait({outcome}, timeout=LOOK)
        if dump.record is not None:
            await self._see(asker, dump, outcome)
        self._waiters.append(Waiter("the command that asked", outcome, [dump]))
        if dump.seen:
            self._attach("who asked", asker)
            self._attach_others()

    async def _ask_as_others(self, request: DumpRequest, dump: Dump) -> None:
        if self._scenario.forged_claim is not None:
            await self._forge_record(request)
        dump.call = self._machine.call(request, self._scenario.full)
        self._dumps.append(dump)
        await self._see(self._machine.direct, dump, dump.call.returned)
        if dump.seen:
            self._attach("a waiter", self._machine.direct)
            self._attach_others()

    async def _see(self, backend: Backend, dump: Dump, over: asyncio.Future[Any]) -> None:
        """Return once the dump is seen under way, or over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not dump.seen and not over.done():
                    with contextlib.suppress(BackendError):
                        dump.seen = await backend.job(self._key) is not None
                    await asyncio.wait({over}, timeout=0.02)

    def _attach_others(self) -> None:
        self._attach("a stranger", self._machine.stranger, journal=self._machine.strangers_journal)
        self._attach("who comes late", self._machine.direct, late=self._scenario.late)
        if self._scenario.command:
            self._waiters.append(Waiter("a command", asyncio.create_task(self._waiting_command()), []))

    def _attach(
        self,
        name: str,
        backend: Backend,
        record: JobRecord | None = None,
        late: float = 0.0,
        journal: Journal | None = None,
    ) -> None:
        about: list[Dump] = []

        def progress(stats: JobStats) -> None:
            about.extend(() if about else self._dumps)
            if stats.closing or (stats.total and stats.processed >= self._scenario.moment * stats.total):
                self._moment.set()

        waiting = asyncio.create_task(self._waiting(name, backend, record, late, progress, journal))
        self._waiters.append(Waiter(name, waiting, about))

    async def _waiting(
        self,
        name: str,
        backend: Backend,
        record: JobRecord | None,
        late: float,
        progress: Callable[[JobStats], None],
        journal: Journal | None,
    ) -> Outcome | str:
        await asyncio.sleep(late)
        try:
            outcome = await wait(
                backend, self._key, JobOperation.DUMP, on_progress=progress, record=record, journal=journal
            )
        except BackendError as error:
            return self._error(name, error)
        self._tell(f"{name} was told: {_said(outcome)}")
        return outcome

    async def _waiting_command(self) -> Outcome | str:
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, "-c", self._machine.direct.uri, "wait", "--json", self._key.uuid),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return await self._command_outcome(process)

    async def _command_outcome(self, process: asyncio.subprocess.Process) -> Outcome | str:
        """What a command of ours says at its end."""
        try:
            output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if b"Traceback" in errors:
            self._tally.mistake("a command ended in a traceback", [*self._lines, errors.decode(errors="replace")])
        last = json.loads((output.splitlines() or [b"{}"])[-1])
        if last.get("event") != "outcome":
            kind = f"exit {process.returncode}"
            self._tally.errors[f"a command: {kind}"] += 1
            self._tell(f"a command ended with {kind}: {errors.decode(errors='replace').strip()}")
            return kind
        outcome = Outcome(
            domain=self._key,
            operation=JobOperation.DUMP,
            verdict=Verdict(last["verdict"]),
            evidence=Evidence(last["evidence"]),
            detail=last["detail"],
            error=last["error"],
            path=last["path"],
        )
        self._tell(f"a command was told: {_said(outcome)}")
        return outcome

    def _error(self, who: str, error: BackendError) -> str:
        kind = type(error).__name__
        self._tally.errors[f"{who}: {kind}" + (f": {error.message}" if type(error) is OperationFailed else "")] += 1
        self._tell(f"{who} ended with {kind}: {error.message}")
        return kind

    async def _wait_for_it(self) -> None:
        """Let happen what is to happen, then let everybody come to their end."""
        if not self._waiters or not self._dumps:
            return
        self._forge_claim(self._dumps[0])
        first = asyncio.create_task(self._moment.wait())
        await asyncio.wait({first, self._waiters[0].waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        first.cancel()
        if self._moment.is_set() and self._scenario.fault is not Fault.NOTHING:
            self._count_fault(self._scenario.fault)
            with contextlib.suppress(BackendError):
                await self._act(self._dumps[0])
        await asyncio.wait({waiter.waiting for waiter in self._waiters}, timeout=2 * PATIENCE)
        for waiter in self._waiters:
            if not waiter.waiting.done():
                self._tally.mistake(f"{waiter.name} was never told anything", self._lines)
                waiter.waiting.cancel()

    async def _act(self, dump: Dump) -> None:
        match self._scenario.fault:
            case Fault.ABORT:
                dump.aborted = True
                await self._machine.direct.abort(self._key)
            case Fault.KILL_ASKER if dump.call is not None:
                dump.call.kill()
            case Fault.KILL_ASKER if self._command is not None and self._command.returncode is None:
                self._command.kill()
            case Fault.KILL_RUNNER if dump.record is not None:
                await self._kill_runner(dump.record)
            case Fault.DESTROY:
                await self._machine.destroy(self._key, again=False)
            case Fault.DESTROY_START:
                await self._machine.destroy(self._key, again=True)
            case Fault.KILL_QEMU:
                await self._machine.crash(self._key)
            case Fault.AGAIN:
                await self._dump_again()

    async def _kill_runner(self, record: JobRecord) -> None:
        now = await asyncio.to_thread(Journal().read, record.id)
        if now is not None and process.runner_alive(now):
            os.kill(now.pid, signal.SIGKILL)

    async def _dump_again(self) -> None:
        second = Dump(self._machine.folder / f"{self._machine.name}-{self._number}-again", seen=True)
        second.call = self._machine.call(DumpRequest(self._key, str(second.path)), full=False)
        self._dumps.append(second)
        self._tally.dumps["virsh dump, at once after another"] += 1
        await asyncio.wait({waiter.waiting for waiter in self._waiters}, timeout=PATIENCE)
        # The first is over, so this one attaches to the second, if that still runs.
        self._attach("a waiter for the second", self._machine.direct)

    async def _judge(self) -> None:
        facts = {id(dump): await self._facts(dump) for dump in self._dumps}
        for found in facts.values():
            self._tell(f"the truth: {found}")
            self._tally.truths[_truth([found])] += 1
            if found.contradiction:
                self._tally.mistake(found.contradiction, self._lines)
        for waiter in self._waiters:
            outcome = None if waiter.waiting.cancelled() else waiter.waiting.result()
            if isinstance(outcome, Outcome):
                self._hold_against(waiter.name, outcome, [facts[id(dump)] for dump in waiter.about or self._dumps])

    def _hold_against(self, name: str, outcome: Outcome, dumps: list[Facts]) -> None:
        meant = [facts for facts in dumps if outcome.path in (None, facts.path)]
        self._tally.verdict(name, _truth(meant), outcome)
        if why := lies(outcome.verdict, outcome.path, dumps):
            self._tally.mistake(f"{name} was told {outcome.verdict} ({outcome.evidence}), but {why}", self._lines)
        elif outcome.evidence is Evidence.RESULT and not any(facts.returned is outcome.verdict for facts in meant):
            self._tally.mistake(f"{name} was told of a result that no call returned", self._lines)

    async def _facts(self, dump: Dump) -> Facts:
        returned = Returned(None)
        if dump.call is not None:
            returned = await asyncio.wait_for(dump.call.returned, PATIENCE)
        if dump.record is not None:
            returned = await self._returned_to_runner(dump.record)
        qemu = await self._machine.settled(self._key, dump.path)
        try:
            whole = bool(inspect(dump.path).whole) and dump.path.stat().st_mtime >= dump.asked
        except (OSError, OperationFailed):
            whole = False
        # QEMU's word is on its last dump.
        only = len(self._dumps) == 1 and self._scenario.format != "raw"
        return Facts(
            path=str(dump.path),
            returned=returned.verdict,
            whole=whole,
            qemu=qemu if only else "",
            aborted=dump.aborted,
            began=dump.seen,
            said=returned.said,
        )

    async def _returned_to_runner(self, record: JobRecord) -> Returned:
        async with asyncio.timeout(PATIENCE):
            while True:
                now = await asyncio.to_thread(Journal().read, record.id)
                if now is None:
                    return Returned(None, "there is no record of it")
                if now.over or process.runner_alive(now) is False:
                    return Returned(_RETURNED.get(now.state), now.error)
                await asyncio.sleep(LOOK)

    async def _clear(self) -> None:
        for task in [waiter.waiting for waiter in self._waiters] + ([self._forging] if self._forging else []):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        for dump in self._dumps:
            if dump.call is not None:
                dump.call.kill()
            with contextlib.suppress(OSError):
                if dump.path.parent == self._machine.folder:
                    dump.path.replace(self._machine.folder / "older")
                else:
                    dump.path.unlink()


def _said(outcome: Outcome) -> str:
    parts = [f"{outcome.verdict} ({outcome.evidence})", outcome.detail, outcome.error, outcome.path or "no path"]
    return "; ".join(filter(None, parts))


def _truth(dumps: list[Facts]) -> str:
    return " or ".join(sorted(set[str]().union(*(facts.truths for facts in dumps)))) or "nobody can tell"
