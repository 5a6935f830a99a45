"""Commands that start jobs, wait for them, and end them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from backend.model import FORMAT_NAMES, DumpFlags, DumpRequest, JobOperation
from backend.running.start import start_dump
from tui.cli import exits
from tui.cli.exits import Exit
from tui.cli.fleet import Fleet
from tui.cli.options import complete_domains, complete_files, domain_argument, json_option
from tui.cli.output import complain, print_json
from tui.cli.streams import OutputLost
from tui.cli.target import Target

if TYPE_CHECKING:
    from backend.verdicts.verdict import Outcome

OPERATIONS = {operation.label.replace(" ", "-"): operation for operation in JobOperation}


@click.command()
@domain_argument
@click.argument("file", required=False, metavar="[FILE]", shell_complete=complete_files)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMAT_NAMES)),
    help="What to write; elf, or what the config says.",
)
@click.option("--memory-only", is_flag=True, help="Accepted as virsh has it: every format but raw implies it.")
@click.option("--crash", is_flag=True, help="Stop the domain as crashed after the dump.")
@click.option("--reset", is_flag=True, help="Reset the domain after the dump.")
@click.option("--live", is_flag=True, help="Ask not to pause the domain; QEMU pauses it all the same.")
@click.option("--bypass-cache", is_flag=True, help="Keep the file out of the host's file system cache.")
@click.option("--overwrite", is_flag=True, help="Replace FILE; even a failed dump destroys what it held.")
@click.option("--detach", is_flag=True, help="Return once the dump runs; it goes on by itself.")
@click.option("--wait", "waiting", is_flag=True, help="Start nothing: attach to the dump that is running.")
@json_option
@click.pass_obj
def dump(
    target: Target,
    domain: str,
    file: str | None,
    format_name: str | None,
    memory_only: bool,
    crash: bool,
    reset: bool,
    live: bool,
    bypass_cache: bool,
    overwrite: bool,
    detach: bool,
    waiting: bool,
    as_json: bool,
) -> None:
    """Dump a domain's memory to FILE and follow to the end, or attach to a running dump with --wait.

    The dump belongs to a process of its own: Ctrl-C, a lost terminal or a crash here do not touch it.
    """
    from backend.running import objections
    from tui.cli import follow

    chosen = {
        DumpFlags.CRASH: crash,
        DumpFlags.RESET: reset,
        DumpFlags.LIVE: live,
        DumpFlags.BYPASS_CACHE: bypass_cache,
        DumpFlags.MEMORY_ONLY: memory_only,
    }
    if waiting:
        if file is not None or format_name is not None or overwrite or detach or any(chosen.values()):
            raise click.UsageError("--wait cannot be used with any other option")
        return attach(target, [domain], JobOperation.DUMP, as_json=as_json)
    if not file:
        raise click.UsageError("missing required argument FILE")
    format, needs_memory_only = FORMAT_NAMES[format_name or target.config.dump.format]
    if memory_only and not needs_memory_only:
        raise click.UsageError("--memory-only does not go with raw, a migration stream; elf is raw memory only")
    flags = DumpFlags.MEMORY_ONLY if needs_memory_only else DumpFlags.NONE
    for flag, wanted in chosen.items():
        if wanted:
            flags |= flag
    if objection := objections.to_combination(flags):
        raise click.UsageError(objection.message)
    path = _absolute(file)
    told = _told_at_the_end(target)

    async def start_and_follow() -> Exit:
        async with Fleet(target) as fleet:
            place = await fleet.find(domain)
            backend, found = place.backend, place.domain
            request = DumpRequest(found.key, path, format, flags)
            publish = target.config.dump.publish
            record = await start_dump(backend, request, overwrite=overwrite, publish=publish)
            report = follow.Report(found.key, backend.uri, as_json)
            if detach and not record.over:
                started = {"event": "started", "uri": backend.uri, "domain": found.name, "path": path}
                if as_json:
                    print_json(started | {"format": record.format_name, "id": record.id})
                else:
                    again = follow.attach_command([backend.uri], found.name)
                    print(f"{found.name}: dump started; attach with: {again}")
                return Exit.COMPLETED
            outcome = await follow.follow(backend, found.key, JobOperation.DUMP, report, record=record)
            report.outcome(outcome)
            told(outcome, backend.uri)
            return exits.of_outcome(outcome)

    _until_detached(target, [domain], start_and_follow())


@click.command()
@click.argument("domains", nargs=-1, required=True, metavar="DOMAIN...", shell_complete=complete_domains)
@click.option(
    "--operation", type=click.Choice([*OPERATIONS, "any"]), default="dump", help="The job to expect; dump if not given."
)
@click.option("--timeout", type=click.FloatRange(min=0), metavar="S", help="Give up after S seconds; the job goes on.")
@click.option("--last", is_flag=True, help="Where no job runs, tell how the last recorded one ended.")
@click.option("--trust", type=click.Choice(["qemu"]), help="Take QEMU's own word for a proof.")
@json_option
@click.pass_obj
def wait(
    target: Target,
    domains: tuple[str, ...],
    operation: str,
    timeout: float | None,
    last: bool,
    trust: str | None,
    as_json: bool,
) -> None:
    """Attach to the jobs that are running, whoever started them, and tell how each ended.

    Several domains are waited for at once, and an error with one does not stop the others. The worst of their exit
    codes is the command's: failed 1, cancelled 5, unproven 6, unreachable 7, mismatch 4, no job 3, timeout 124,
    completed 0.
    """
    attach(
        target,
        domains,
        OPERATIONS.get(operation),
        timeout=timeout,
        last=last,
        trust_qemu=trust == "qemu",
        as_json=as_json,
    )


def attach(
    target: Target,
    domains: Sequence[str],
    operation: JobOperation | None,
    *,
    timeout: float | None = None,
    last: bool = False,
    trust_qemu: bool = False,
    as_json: bool = False,
) -> None:
    """Wait for the domains' jobs, print how each ended, and exit accordingly."""
    from tui.cli import attach as attaching

    wanted = attaching.Wanted(operation, timeout, last, trust_qemu, as_json)
    told = _told_at_the_end(target)

    async def attach_and_follow() -> Exit:
        async with Fleet(target) as fleet:
            return await attaching.wait_for(fleet, domains, wanted, told)

    _until_detached(target, domains, attach_and_follow())


@click.command()
@domain_argument
@click.pass_obj
def abort(target: Target, domain: str) -> None:
    """Ask for the end of a domain's job. How it really ended, wait tells."""

    async def ask() -> None:
        async with Fleet(target) as fleet:
            found = await fleet.find(domain)
            await found.backend.abort(found.domain.key)
            print(f"{found.domain.name}: abort requested")

    asyncio.run(ask())


@click.command()
@domain_argument
@click.pass_obj
def resume(target: Target, domain: str) -> None:
    """Let a paused domain run again, such as one that a dead dump left behind."""

    async def ask() -> None:
        async with Fleet(target) as fleet:
            found = await fleet.find(domain)
            await found.backend.resume(found.domain.key)
            print(f"{found.domain.name}: resumed")

    asyncio.run(ask())


def _told_at_the_end(target: Target) -> Callable[[Outcome, str], None]:
    """What starts the command that the user wants to be told with; all that it needs is loaded now, not at the end."""
    command = target.config.notifications.on_end
    if not command:
        return lambda outcome, uri: None
    from tui.terminal import notify

    def tell(outcome: Outcome, uri: str) -> None:
        try:
            notify.run(command, outcome, uri)
        except (OSError, ValueError) as error:
            complain(f"on_end could not be run: {error}")

    return tell


def _until_detached(target: Target, domains: Sequence[str], work: Coroutine[Any, Any, Exit]) -> NoReturn:
    """Run `work` and exit with its code. Ctrl-C only detaches: the job goes on."""
    from tui.cli import follow

    try:
        code = asyncio.run(work)
    except (KeyboardInterrupt, OutputLost) as end:
        if isinstance(end, OutputLost) and not end.nobody_reads:
            complain(f"cannot write the output: {end}")
        goes_on = "the job goes on" if len(domains) == 1 else "the jobs go on"
        complain(f"detached; {goes_on}. Attach again with: {follow.attach_command(target.again, *domains)}")
        code = Exit.DETACHED
    sys.exit(code)


def _absolute(file: str) -> str:
    from backend.running import objections

    path = os.path.abspath(file) + ("/" if file.endswith("/") else "")
    if objection := objections.to_path(path):
        raise click.UsageError(objection.message)
    return path
