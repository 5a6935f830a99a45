"""What was chosen with the common options of a command line."""

from __future__ import annotations

from dataclasses import dataclass, field

import click

_KEY = "virt-jobs"
"""Where the choices are in the metadata of click's contexts, which those of commands share with the program's."""


@dataclass(slots=True)
class Choices:
    """The values so far, in the order of the command line."""

    uris: list[str] = field(default_factory=list)
    """Aliases, groups or URIs of hypervisors."""
    readonly: bool = False
    quiet: bool = False
    debug: bool = False


def choices(context: click.Context) -> Choices:
    """Those of the command line that is being parsed or run."""
    chosen = context.meta.setdefault(_KEY, Choices())
    assert isinstance(chosen, Choices)
    return chosen


def is_quiet() -> bool:
    """Whether the running command was given -q."""
    context = click.get_current_context(silent=True)
    return context is not None and choices(context).quiet
