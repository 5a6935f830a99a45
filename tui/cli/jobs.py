"""Commands that start jobs and wait for them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Sequence
from typing import Any, NoReturn

import click

from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.errors import BackendError, FileExists
from backend.model import BlockOperation, JobOperation
from backend.running.start import start_dump
from tui.cli import exits
from tui.cli.attached import end_notifier, until_detached
from tui.cli.common import subcommand
from tui.cli.exits import Exit
from tui.cli.fleet import Fleet
from tui.cli.hints import UsageHint, this_command
from tui.cli.one_domain import open_domain
from tui.cli.operations import OPERATIONS
from tui.cli.options import complete_domains, complete_files, disk_option, domain_argument, example, json_option
from tui.cli.output import iso, note, print_json
from tui.cli.remembering import remembering
from tui.cli.target import Target
from tui.cli.wait_options import Until, WaitOptions


@subcommand(
    short_help="Dump a domain's memory, or attach to a running dump.",
    epilog=example("virt-jobs dump web-01 /var/tmp/web-01.elf", "virt-jobs dump web-01 --wait"),
)
@domain_argument
@click.argument("file", required=False, metavar="[FILE]", shell_complete=complete_files)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMAT_NAMES)),
    help="The file format; by default the one in the config, or elf.",
)
@click.option(
    "--memory-only", is_flag=True, help="Accepted for virsh compatibility; implied by every format except raw."
)
@click.option("--crash", is_flag=True, help="Stop the domain, as crashed, after the dump.")
@click.option("--reset", is_flag=True, help="Reset the domain after the dump.")
@click.option("--live", is_flag=True, help="Request a dump without a pause; QEMU pauses the domain anyway.")
@click.option("--bypass-cache", is_flag=True, help="Bypass the host's file system cache.")
@click.option("--verbose", is_flag=True, help="Accepted for virsh compatibility; a terminal always shows the progress.")
@click.option("--overwrite", is_flag=True, help="Replace FILE; even a failed dump destroys its contents.")
@click.option("--detach", is_flag=True, help="Return once the dump is running.")
@click.option("--wait", "waiting", is_flag=True, help="Attach to the running dump instead of starting one.")
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
    verbose: bool,
    overwrite: bool,
    detach: bool,
    waiting: bool,
    as_json: bool,
) -> None:
    """Dump a domain's memory to FILE and wait for the result, or attach to a running dump with --wait.

    The dump runs in a process of its own: Ctrl-C, a lost terminal or a crash of this command do not affect it.
    """
    from backend.records.record import RecordState
    from backend.running import objections
    from backend.running.place import Place, look
    from tui.cli import follow

    requested = {
        DumpFlags.CRASH: crash,
        DumpFlags.RESET: reset,
        DumpFlags.LIVE: live,
        DumpFlags.BYPASS_CACHE: bypass_cache,
        DumpFlags.MEMORY_ONLY: memory_only,
    }
    if waiting:
        if file is not None or format_name is not None or overwrite or detach or any(requested.values()):
            raise click.UsageError("--wait cannot be used with any other option")
        return attach(target, [domain], WaitOptions(JobOperation.DUMP, as_json=as_json))
    if file is None:
        raise _file_missing(target, domain, format_name or target.config.dump.format)
    if not file:
        raise click.UsageError("missing required argument FILE")
    if crash + reset + live > 1:
        raise click.UsageError("--crash, --reset and --live are mutually exclusive")
    dump_format, needs_memory_only = FORMAT_NAMES[format_name or target.config.dump.format]
    if memory_only and not needs_memory_only:
        raise click.UsageError("--memory-only cannot be used with raw, which is a migration stream; use elf")
    flags = DumpFlags.MEMORY_ONLY if needs_memory_only else DumpFlags.NONE
    for flag, enabled in requested.items():
        if enabled:
            flags |= flag
    if objection := objections.to_combination(flags):
        raise click.UsageError(objection.message)
    path = _absolute(file)
    on_end = end_notifier(target)

    async def start_and_follow() -> Exit:
        async with open_domain(target, domain) as location, remembering("dump") as memory:
            backend, key = location.backend, location.domain.key
            request = DumpRequest(key, path, dump_format, flags)
            place = await look(path) if backend.capabilities.local else Place()
            publish = target.config.dump.publish
            try:
                record = await start_dump(backend, request, overwrite=overwrite, publish=publish)
            except FileExists as error:
                raise FileExists(f"{error.message}: {this_command('--overwrite')}") from None
            if place.caveat and record.state is not RecordState.FAILED:
                note(f"{place.caveat}, and destroys an older file")
            report = follow.Report(key, backend.uri, as_json)
            if detach and not record.over:
                started = {"event": "started", "uri": backend.uri, "domain": key.name, "path": path}
                if as_json:
                    print_json(started | {"format": record.format_name, "id": record.id, "start": iso(record.started)})
                else:
                    again = follow.attach_command([backend.uri], key.name)
                    print(f"{key.name}: dump started; attach with: {again}")
                return Exit.COMPLETED
            outcome = await follow.follow(backend, key, JobOperation.DUMP, report, record=record, memory=memory)
            report.outcome(outcome, await follow.extent_of_dump(record) if as_json else follow.JUST_NOW)
            on_end(outcome, backend.uri)
            return exits.of_outcome(outcome)

    _until_detached(target, [domain], WaitOptions(None), start_and_follow())


@subcommand(
    short_help="Wait for running jobs and report how each one ended.",
    epilog=example(
        "virt-jobs wait web-01 db-01 --operation any --timeout 600",
        "virt-jobs wait db-01 --disk vda --ready",
        "virt-jobs wait web-01 --last",
        "virt-jobs wait --next --timeout 60",
    ),
)
@click.argument("domains", nargs=-1, metavar="[DOMAIN]...", shell_complete=complete_domains)
@click.option("--all", "until", flag_value="all", help="Wait for all of these jobs; the default, but with --next.")
@click.option("--any", "until", flag_value="any", help="Wait for the first that ends; the others are left alone.")
@click.option("--next", "next_one", is_flag=True, help="Wait for the next job that begins, and follow it to its end.")
@disk_option
@click.option(
    "--operation",
    type=click.Choice([*OPERATIONS, "any"]),
    metavar="OP",
    help="The operation (default: dump; without DOMAIN, or with --disk, --ready or --next: any).",
)
@click.option("--ready", is_flag=True, help="Wait only until the block job is ready to be pivoted to or aborted.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Stop waiting after S seconds; the job is not affected.",
)
@click.option("--last", is_flag=True, help="If no job is running, report how the last one ended.")
@click.option("--trust", type=click.Choice(["qemu"]), help="Accept QEMU's own report as proof.")
@json_option
@click.pass_obj
def wait(
    target: Target,
    domains: tuple[str, ...],
    until: str | None,
    next_one: bool,
    disk: str | None,
    operation: str | None,
    ready: bool,
    timeout: float | None,
    last: bool,
    trust: str | None,
    as_json: bool,
) -> None:
    """Wait for running jobs, no matter who started them, and report how each one ended.

    OP is any, dump (the default), save, restore, start, migration-in, migration-out, snapshot, snapshot-revert,
    snapshot-delete, backup or unknown; or the job of a disk: block-copy, block-pull, block-commit or
    active-block-commit. If no --disk is given, the domain must have only one job of that kind; any is the domain's
    own job, else its only block job.

    A block copy or an active block commit does not end by itself: once it is ready, it mirrors what the domain
    writes until someone pivots to it or aborts it. --ready waits for that moment and then exits with 0.

    Several domains are waited for at the same time; an error with one does not stop the others. The command exits
    with the worst code, in this order: failed 1, cancelled 5, internal error 70, unproven 6, unreachable 7,
    mismatch 4, no job 3, timeout 124, completed 0. With --any, it exits with the code of the first job that ends.

    Without DOMAIN, it waits for every job that is running now on the given hosts; if there is none, it exits with 3.

    --next waits for a job that has yet to begin: on any of the domains, or on any domain of the given hosts, also one
    that is defined later. With --all, it is the next job on each DOMAIN. A job of a moment is not missed where its
    begin or its end is reported, which needs a read-write connection.

    --last tells how the last job of that kind ended, no matter who requested it, from all that `history` knows and
    from the domain's metadata; also of a domain that is off or gone.
    """
    if operation is None:
        operation = "any" if disk is not None or ready or next_one or not domains else "dump"
    expected = OPERATIONS.get(operation)
    of_disk = disk is not None or ready or isinstance(expected, BlockOperation)
    if of_disk and isinstance(expected, JobOperation):
        raise click.UsageError(f"{operation} is no job of a disk: it cannot be used with --disk or --ready")
    if ready and expected is not None and not (isinstance(expected, BlockOperation) and expected.becomes_ready):
        raise click.UsageError(f"{operation} never becomes ready: it cannot be used with --ready")
    if last and (next_one or ready):
        raise click.UsageError("--last is about a job that is over: it cannot be used with --next or --ready")
    if last and not domains:
        raise click.UsageError("--last needs a DOMAIN (virt-jobs history lists the last jobs of all domains)")
    if next_one and until == "all" and not domains:
        raise click.UsageError("--next --all needs a DOMAIN: it waits for the next job on each")
    which = Until(until) if until is not None else Until.ANY if next_one else Until.ALL
    attach(
        target, domains, WaitOptions(expected, disk, ready, timeout, last, trust == "qemu", as_json, which, next_one)
    )


def attach(target: Target, domains: Sequence[str], options: WaitOptions) -> None:
    """Wait for the domains' jobs, print how each one ended, and exit with the worst code."""
    on_end = end_notifier(target)

    async def attach_and_follow() -> Exit:
        from tui.cli.attach import wait_for_named, wait_for_running
        from tui.cli.attach_next import wait_for_next
        from tui.cli.job_follower import JobFollower

        async with Fleet(target) as fleet:
            if options.next:
                return await wait_for_next(fleet, domains, options, on_end)
            async with remembering("wait") as memory:
                follower = JobFollower(options, on_end, memory)
                if domains:
                    return await wait_for_named(fleet, domains, options, follower)
                return await wait_for_running(fleet, options, follower)

    _until_detached(target, domains, options, attach_and_follow())


@subcommand(epilog=example("virt-jobs resume web-01"))
@domain_argument
@click.pass_obj
def resume(target: Target, domain: str) -> None:
    """Resume a paused domain.

    A dump whose daemon died leaves its domain paused, for example.
    """

    async def request_resume() -> None:
        async with open_domain(target, domain) as location:
            await location.backend.resume(location.domain.key)
            print(f"{location.domain.name}: resumed")

    asyncio.run(request_resume())


def _until_detached(
    target: Target, domains: Sequence[str], options: WaitOptions, work: Coroutine[Any, Any, Exit]
) -> NoReturn:
    """Run `work` and exit with its code. Ctrl-C only detaches: the job keeps running."""
    from tui.cli import follow

    running = "the job is still running" if len(domains) == 1 else "the jobs are still running"
    running = "no job is affected" if options.next else running
    arguments = options.arguments(bool(domains))
    until_detached(work, running, lambda: follow.attach_command(target.arguments, *domains, options=arguments))


def _file_missing(target: Target, domain: str, format_name: str) -> click.UsageError:
    """The mistake, and what was typed with the path that the console would suggest."""
    from tui.cli.dump_path import default_path

    missing = "missing required argument FILE"
    try:
        path = default_path(target, domain, format_name)
    except BackendError:
        return click.UsageError(missing)
    return UsageHint(f"{missing}; with the default path: {this_command(argument=path)}")


def _absolute(file: str) -> str:
    from backend.running import objections

    path = os.path.abspath(file) + ("/" if file.endswith("/") else "")
    if objection := objections.to_path(path):
        raise click.UsageError(objection.message)
    return path
