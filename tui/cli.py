"""The command line. What a command alone needs, it loads itself: `list` is to be quick, and only the console is to
import textual."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from backend.base import Backend
from backend.errors import BackendError
from backend.model import FORMAT_NAMES, Domain, DumpFlags, DumpRequest, JobOperation, JobStats
from backend.text import clean
from tui import exits, listing
from tui.exits import Exit
from tui.target import DEMO, Target

if TYPE_CHECKING:
    from backend.verdict import Outcome

FOLLOW_INTERVAL = 0.5
"""Seconds between two prints of `info --follow`."""

OPERATIONS = {operation.label.replace(" ", "-"): operation for operation in JobOperation}


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--connect",
    "uris",
    multiple=True,
    metavar="URI",
    help="A libvirt URI, sim:///NAME or an alias; repeatable.",
)
@click.option("--demo", is_flag=True, help=f"The simulator: the same as -c {DEMO}.")
@click.option("-r", "--readonly", is_flag=True, help="Connect read-only.")
@click.version_option(package_name="virt-jobs")
@click.pass_context
def cli(context: click.Context, uris: tuple[str, ...], demo: bool, readonly: bool) -> None:
    """Watch the jobs of virtual machines, dump their memory, and learn truthfully how each job ended.

    Without a command, the console opens.
    """
    context.obj = Target((*uris, DEMO) if demo else uris, readonly)
    if context.invoked_subcommand is None:
        open_console(context.obj)


def open_console(target: Target) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the console needs a terminal; for scripts there is: virt-jobs list --json")
    # At Textual's 60 a second, the answer to a key waits for up to two frames whenever domains have just changed.
    os.environ.setdefault("TEXTUAL_FPS", "1000")
    from tui import config_check
    from tui.app import Console

    config_check.check(target.config)
    Console(list(target.uris), target.readonly, target.config).run()


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
domain_argument = click.argument("domain", metavar="DOMAIN")


@cli.command("list")
@json_option
@click.pass_obj
def list_domains(target: Target, as_json: bool) -> None:
    """List all domains and their jobs."""
    rows: list[list[str]] = []
    failures: list[BackendError] = []
    for uri in target.uris:
        try:
            found = asyncio.run(_domains_and_jobs(target.backend(uri)))
        except BackendError as error:
            complain(f"{uri}: {error}")
            failures.append(error)
            continue
        for domain, job in found:
            if as_json:
                listing.print_json(listing.domain_json(uri, domain, job))
            else:
                rows.append([*([uri] if len(target.uris) > 1 else []), *listing.domain_row(domain, job)])
    if not as_json and len(failures) < len(target.uris):
        headings = (*(["Host"] if len(target.uris) > 1 else []), *listing.DOMAIN_HEADINGS)
        print("\n".join(listing.table(headings, rows)))
    if failures:
        sys.exit(exits.of_error(failures[0]))


async def _domains_and_jobs(backend: Backend) -> list[tuple[Domain, JobStats | None]]:
    async with backend:
        domains = await backend.domains()
        jobs = await backend.jobs([domain.key for domain in domains if domain.active and domain.answering])
    found = ((domain, jobs.get(domain.key)) for domain in domains)
    return [(domain, job if isinstance(job, JobStats) else None) for domain, job in found]


@cli.command()
@domain_argument
@click.option("--follow", "following", is_flag=True, help="Print again until the job is over.")
@json_option
@click.pass_obj
def info(target: Target, domain: str, following: bool, as_json: bool) -> None:
    """Show the stats of a domain's job, as domjobinfo labels them."""
    from tui import jobinfo

    async def show() -> None:
        async with target.backend() as backend:
            found = await backend.find(domain)
            while True:
                job = await backend.job(found.key) if found.active else None
                if as_json:
                    listing.print_json(listing.domain_json(backend.uri, found, job))
                else:
                    print("\n".join([*jobinfo.lines(job), ""]))
                if job is None or not following:
                    return
                await asyncio.sleep(FOLLOW_INTERVAL)

    asyncio.run(show())


@cli.command()
@domain_argument
@click.argument("file", required=False, metavar="[FILE]")
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
    from tui import follow

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
    if file is None:
        raise click.UsageError("missing required argument FILE")
    if crash + reset + live > 1:
        raise click.UsageError("--crash, --reset and --live are mutually exclusive")
    format, needs_memory_only = FORMAT_NAMES[format_name or target.config.dump.format]
    if memory_only and not needs_memory_only:
        raise click.UsageError("--memory-only does not go with raw, a migration stream; elf is raw memory only")
    flags = DumpFlags.MEMORY_ONLY if needs_memory_only else DumpFlags.NONE
    for flag, wanted in chosen.items():
        if wanted:
            flags |= flag
    path = _absolute(file)
    told = _told_at_the_end(target)

    async def start_and_follow() -> Exit:
        async with target.backend() as backend:
            found = await backend.find(domain)
            request = DumpRequest(found.key, path, format, flags)
            publish = target.config.dump.publish
            record = await backend.start_dump(request, overwrite=overwrite, publish=publish)
            report = follow.Report(found.key, as_json)
            if detach and not record.over:
                started = {"event": "started", "domain": found.name, "path": path, "format": record.format_name}
                if as_json:
                    listing.print_json(started | {"id": record.id})
                else:
                    print(f"{found.name}: dump started; attach with: {follow.attach_command(target.uri, found.name)}")
                return Exit.COMPLETED
            outcome = await follow.follow(backend, found.key, JobOperation.DUMP, report, record=record)
            report.outcome(outcome)
            told(outcome)
            return exits.of_outcome(outcome)

    _until_detached(target, [domain], start_and_follow())


@cli.command()
@click.argument("domains", nargs=-1, required=True, metavar="DOMAIN...")
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
    from tui import attach as attaching

    wanted = attaching.Wanted(operation, timeout, last, trust_qemu, as_json)
    told = _told_at_the_end(target)

    async def attach_and_follow() -> Exit:
        async with target.backend() as backend:
            return await attaching.wait_for(backend, domains, wanted, told)

    _until_detached(target, domains, attach_and_follow())


@cli.command()
@domain_argument
@click.pass_obj
def abort(target: Target, domain: str) -> None:
    """Ask for the end of a domain's job. How it really ended, wait tells."""

    async def ask() -> None:
        async with target.backend() as backend:
            found = await backend.find(domain)
            await backend.abort(found.key)
            print(f"{found.name}: abort requested")

    asyncio.run(ask())


@cli.command()
@domain_argument
@click.pass_obj
def resume(target: Target, domain: str) -> None:
    """Let a paused domain run again, such as one that a dead dump left behind."""

    async def ask() -> None:
        async with target.backend() as backend:
            found = await backend.find(domain)
            await backend.resume(found.key)
            print(f"{found.name}: resumed")

    asyncio.run(ask())


@cli.command()
@click.argument("domain", required=False, metavar="[DOMAIN]")
@json_option
@click.pass_obj
def history(target: Target, domain: str | None, as_json: bool) -> None:
    """List the dumps that were asked for on this machine, and how they ended."""
    from backend.journal import Journal

    records = [
        record
        for record in Journal().history()
        if domain in (None, record.domain, record.uuid) and (not target.named or record.uri in target.named)
    ]
    if as_json:
        for record in records:
            listing.print_json(record.to_json())
    else:
        print("\n".join(listing.table(listing.RECORD_HEADINGS, [listing.record_row(record) for record in records])))


@cli.command()
@click.argument("file", metavar="FILE")
@json_option
def inspect(file: str, as_json: bool) -> None:
    """Tell what format a dump file really has, and whether it is whole (exit 0), not (1), or unknown (6)."""
    from dataclasses import asdict

    from backend import dumpfile

    found = dumpfile.inspect(file)
    if as_json:
        listing.print_json(asdict(found))
    else:
        print("\n".join(listing.dump_file_lines(found)))
    sys.exit({True: Exit.COMPLETED, False: Exit.FAILED, None: Exit.UNPROVEN}[found.whole])


@cli.command("config")
@json_option
def show_config(as_json: bool) -> None:
    """Print where the config is, and what holds now, as it could stand there."""
    from tui import config, config_check, toml_text

    found = config.load()
    config_check.check(found)
    values = found.values() | {"keymap": config_check.effective(found.keymap)}
    path, exists = str(found.source.path), found.source.path.exists()
    if as_json:
        listing.print_json({"path": path, "exists": exists} | values)
    else:
        print(f"# {clean(path)}{'' if exists else ' is not there: this is what holds without it'}\n")
        print(toml_text.written(values), end="")


def _told_at_the_end(target: Target) -> Callable[[Outcome], None]:
    """What starts the command that the user wants to be told with; all that it needs is loaded now, not at the end."""
    command = target.config.notifications.on_end
    if not command:
        return lambda outcome: None
    from tui import notify

    def tell(outcome: Outcome) -> None:
        try:
            notify.run(command, outcome, target.uri)
        except (OSError, ValueError) as error:
            complain(f"on_end could not be run: {error}")

    return tell


def _until_detached(target: Target, domains: Sequence[str], work: Coroutine[Any, Any, Exit]) -> NoReturn:
    """Run `work` and exit with its code. Ctrl-C only detaches: the job goes on."""
    from tui import follow

    try:
        code = asyncio.run(work)
    except KeyboardInterrupt:
        goes_on = "the job goes on" if len(domains) == 1 else "the jobs go on"
        complain(f"detached; {goes_on}. Attach again with: {follow.attach_command(target.uri, *domains)}")
        code = Exit.DETACHED
    sys.exit(code)


def _absolute(file: str) -> str:
    try:
        file.encode()
    except UnicodeEncodeError:
        raise click.UsageError("FILE is not valid UTF-8, which the hypervisor needs; choose another name") from None
    return os.path.abspath(file)


def complain(message: str) -> None:
    """One line on stderr."""
    print(f"virt-jobs: {message}", file=sys.stderr, flush=True)
