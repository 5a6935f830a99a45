"""Commands about virt-jobs itself."""

from __future__ import annotations

import sys

import click

from tui.cli.exits import Exit
from tui.cli.options import json_option
from tui.cli.target import Target


@click.command()
@json_option
@click.pass_obj
def doctor(target: Target, as_json: bool) -> None:
    """Tell what is installed, which hypervisors answer, and what can be done there, without touching a domain.

    A line a finding: ok, note, or attention and what to do. Exits with 1 where something needs attention.
    """
    from tui.cli.doctor import report

    sys.exit(Exit.COMPLETED if report(target, as_json) else Exit.FAILED)
