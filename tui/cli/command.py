"""The command `run`: any command as a job with a result."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from backend.errors import BackendError, NoJob
from tui.cli.attached import notifier, until_detached
from tui.cli.common import CommonOption, subcommand
from tui.cli.exits import Exit
from tui.cli.fleet import DEADLINE, Fleet, within
from tui.cli.hints import PROGRAM, UsageHint, command_line
from tui.cli.options import complete_files, domain_argument, example, json_option
from tui.cli.output import note, print_json
from tui.cli.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.base import Backend
    from backend.records.command import CommandRecord
    from tui.terminal.notify import Notice


def _check_options(context: click.Context, words: list[str]) -> None:
    """Refuse an option of COMMAND without a ``--`` before it: it could be taken for one of the common options."""
    domain = _skip_options(context, words)
    start = _skip_options(context, words[domain + 1 :]) + domain + 1
    command = words[start:]
    loose = command[: command.index("--")] if "--" in command else command
    if "--" not in words[:start] and any(_is_foreign(context, word) for word in loose):
        right = shlex.join([PROGRAM, *sys.argv[1 : len(sys.argv) - len(command)], "--", *command])
        raise UsageHint(f"options of COMMAND need a -- before it: {right}")


def _is_foreign(context: click.Context, word: str) -> bool:
    """Whether it is an option, but none that only `run` has."""
    own = (option for option in context.command.get_params(context) if not isinstance(option, CommonOption))
    names = {name for option in own for name in option.opts}
    return word.startswith("-") and word.partition("=")[0] not in names


def _skip_options(context: click.Context, words: list[str]) -> int:
    """The index of the first word that is neither an option nor the value of one."""
    options = (option for option in context.command.get_params(context) if isinstance(option, click.Option))
    parser = click.Command(None, params=[*options], add_help_option=False).make_parser(context)
    parser.allow_interspersed_args = False
    _, rest, _ = parser.parse_args(list(words))
    return len(words) - len(rest)


@subcommand(
    check=_check_options,
    short_help="Run any command as a job of a domain, and keep its result.",
    epilog=example(
        "virt-jobs run db-01 -- virsh save db-01 /var/tmp/db-01.save",
        "virt-jobs run db-01 -- virsh migrate --live db-01 qemu+ssh://hv2/system",
        "virt-jobs run db-01 --wait",
    ),
)
@domain_argument
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]", shell_complete=complete_files)
@click.option("--detach", is_flag=True, help="Return once the command is running.")
@click.option("--wait", "waiting", is_flag=True, help="Attach to the running command instead of starting one.")
@click.option("--last", is_flag=True, help="The same, or report how the last one ended if none is running.")
@json_option
@click.pass_obj
def run(
    target: Target, domain: str, command: tuple[str, ...], detach: bool, waiting: bool, last: bool, as_json: bool
) -> None:
    """Run COMMAND for a domain and wait for its result, or attach to a running command with --wait.

    The command runs in a process of its own: Ctrl-C, a lost terminal or a logout do not affect it. It gets no input.
    The beginning and the end of its output are kept, 512 KiB at the most. By default, virsh and other libvirt clients
    in it connect to the domain's hypervisor.

    The result is the exit status: this command exits with 0 if the status is 0, 1 if it is another one or the command
    was killed, and 6 if the result was lost. A job that begins on the domain meanwhile is followed, too, and is
    reported as its own: a command that succeeds proves nothing about its job.

    COMMAND's output is the only thing on stdout, unless --json is given. To end the command, use abort --run.
    """
    words = command[1:] if command[:1] == ("--",) else command
    attaching = waiting or last
    if attaching and (words or detach):
        raise click.UsageError("--wait and --last cannot be used with a command or --detach")
    if not attaching and not words:
        raise click.UsageError("missing required argument COMMAND")
    on_end = notifier(target)

    async def start_and_follow() -> Exit:
        from backend.running.command import run_command

        async with Fleet(target) as fleet:
            location = await fleet.find(domain)
            record = await run_command(location.backend, location.domain.key, words)
            if detach and not record.over:
                _tell_start(target, record, as_json)
                return Exit.COMPLETED
            return await _follow(record, location.backend, as_json, on_end, from_the_start=True)

    async def attach_and_follow() -> Exit:
        record = await find_running(target, domain, or_last=last)
        if record.over and not record.open_jobs:
            return await _follow(record, None, as_json, None, from_the_start=False)
        backend = target.silent_backend(record.uri)
        opened = await within(backend, DEADLINE, backend.open())
        try:
            usable = None if isinstance(opened, BackendError) else backend
            return await _follow(record, usable, as_json, on_end, from_the_start=False)
        finally:
            await backend.close()

    again = attach_command(target.arguments, domain)
    stop = command_line(target.arguments, "abort", domain, options=["--run"])
    until_detached(
        attach_and_follow() if attaching else start_and_follow(),
        "the command is still running",
        lambda: again,
        stop,
    )


async def find_running(target: Target, name: str, or_last: bool = False) -> CommandRecord:
    """The command that was started last of those that run for that domain, or with `or_last`, that ever did.

    It is found by what is on record: the domain may be gone. NoJob without one, and with how the last one ended.
    """
    from backend.records.command import settled
    from backend.records.commands import Commands
    from backend.threads import in_thread
    from tui.words import runs

    commands = Commands()
    uris = target.uris if target.named else ()
    records = await in_thread(lambda: commands.history(name=name, uris=uris), "journal")
    if not records and name.isdigit():
        async with Fleet(target) as fleet:
            location = await fleet.find(name)
        records = await in_thread(lambda: commands.history(location.domain.key.uuid, uris=uris), "journal")
    records = [settled(record) for record in records]
    running = [record for record in records if not record.over]
    if len(running) > 1:
        note(f"{len(running)} commands are running for {running[0].domain}: this is the one that was started last")
    if running or (or_last and records):
        return (running or records)[0]
    if not records:
        raise NoJob(f"no command was run for {name} on this machine")
    raise NoJob(f"no command is running for {records[0].domain}; the last one: {runs.report(records[0])}")


async def _follow(
    record: CommandRecord,
    backend: Backend | None,
    as_json: bool,
    on_end: Callable[[Notice], None] | None,
    from_the_start: bool,
) -> Exit:
    from backend.records.commands import Commands
    from tui.cli.command_follow import CommandFollower

    return await CommandFollower(record, Commands(), backend, as_json, on_end).follow(from_the_start)


def _tell_start(target: Target, record: CommandRecord, as_json: bool) -> None:
    from tui.cli.command_follow import started_json

    if as_json:
        print_json(started_json(record))
    else:
        print(f"{record.domain}: command started; attach with: {attach_command([record.uri], record.domain)}")


def attach_command(hosts: tuple[str, ...] | list[str], name: str) -> str:
    """The command line that attaches to the running command; `hosts` are values for the option -c."""
    return command_line(hosts, "run", name, options=["--wait"])
