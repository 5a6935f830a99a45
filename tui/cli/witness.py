"""The command of the service that remembers a host's jobs."""

from __future__ import annotations

import asyncio
import logging
import sys
import warnings

import click

from tui.cli.common import subcommand
from tui.cli.exits import Exit
from tui.cli.options import example
from tui.cli.target import Target

_DEFAULT = "qemu:///system"


@subcommand(
    short_help="Follow and remember every job of this host (a service).",
    epilog=example("virt-jobs -c qemu:///system witness"),
)
@click.pass_obj
def witness(target: Target) -> None:
    """Follow every job of this host's hypervisor to its end, no matter who started it, and remember how it ended.

    What it learns is kept in /var/lib/virt-jobs, where members of the group libvirt can read it. `history`, `wait
    --last` and the console use it. Run it as root on the hypervisor's own host, as the service virt-jobs-witness. It
    runs until SIGTERM or Ctrl-C, logs to stderr, and reconnects when the daemon restarts. Stopping it affects no job.
    """
    from importlib.metadata import version

    from backend.errors import JournalTooNew, NotSupported
    from backend.log import log_to_stderr
    from backend.observing.service import serve
    from tui.cli.output import complain

    log_to_stderr()
    logger = logging.getLogger(__name__)
    warnings.showwarning = lambda message, *_: logger.warning("%s", message)
    try:
        asyncio.run(
            serve(target.chosen or (_DEFAULT,), version("virt-jobs"), target.readonly, target.config.dump.publish)
        )
    except (JournalTooNew, NotSupported) as error:
        # Trying again, as systemd does after other errors, would change nothing.
        complain(error.message)
        sys.exit(Exit.USAGE)
