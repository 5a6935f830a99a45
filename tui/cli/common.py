"""Options that every command accepts, before its name and after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from backend.log import log_details
from tui.cli.choices import Choices, choices
from tui.cli.options import complete_uris
from tui.cli.target import DEMO, Target

Check = Callable[[click.Context, list[str]], None]


class CommonOption(click.Option):
    """One of these options, which `take` adds to what was chosen."""

    def __init__(self, *names: str, take: Callable[[Choices, Any], object], **settings: Any) -> None:
        def add(context: click.Context, parameter: click.Parameter, value: Any) -> None:
            if value:
                take(choices(context), value)

        # Eager: completion of another option's value needs to know the hypervisors.
        super().__init__(names, callback=add, expose_value=False, is_eager=True, **settings)


def common_options() -> list[click.Parameter]:
    """New ones, for one command."""

    def flag(name: str) -> Callable[[Choices, bool], object]:
        return lambda chosen, value: setattr(chosen, name, value)

    return [
        CommonOption(
            "-c",
            "--connect",
            multiple=True,
            metavar="URI",
            shell_complete=complete_uris,
            help="A libvirt URI, sim:///NAME, an alias or a group; repeatable.",
            take=lambda chosen, uris: chosen.uris.extend(uris),
        ),
        CommonOption(
            "--demo",
            is_flag=True,
            help=f"Use the simulator; same as -c {DEMO}.",
            take=lambda chosen, value: chosen.uris.append(DEMO),
        ),
        CommonOption("-r", "--readonly", is_flag=True, help="Connect read-only.", take=flag("readonly")),
        CommonOption("-q", "--quiet", is_flag=True, help="Print no headings, hints or progress.", take=flag("quiet")),
        CommonOption(
            "--debug",
            is_flag=True,
            help="Log every detail; commands also show it, with tracebacks, on stderr.",
            take=flag("debug"),
        ),
    ]


class Subcommand(click.Command):
    """A command that accepts the common options as well."""

    def __init__(self, *arguments: Any, check: Check | None = None, **settings: Any) -> None:
        """`check` looks at the words after the command's name before anything else does; it raises a UsageError."""
        super().__init__(*arguments, **settings)
        self.params += common_options()
        self._check = check

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if self._check is not None:
            self._check(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        chosen = choices(ctx)
        if chosen.debug:
            log_details(on_stderr=True)
        ctx.obj = Target.of(chosen)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own, common = option_records(self, ctx)
        for heading, records in (("Options", own), ("Common options, also before the command", common)):
            with formatter.section(heading):
                formatter.write_dl(records)


def subcommand(name: str | None = None, **settings: Any) -> Callable[..., Subcommand]:
    """Like `click.command`, for a command that accepts the common options."""
    return click.command(name, cls=Subcommand, **settings)


def option_records(command: click.Command, context: click.Context) -> tuple[list[tuple[str, str]], ...]:
    """The names and the help of the command's own options, and those of the common ones."""
    own, common = list[tuple[str, str]](), list[tuple[str, str]]()
    for option in command.get_params(context):
        if (record := option.get_help_record(context)) is not None:
            (common if isinstance(option, CommonOption) else own).append(record)
    return own, common
