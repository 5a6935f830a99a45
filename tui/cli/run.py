"""One run of the command: every error becomes one line and an exit code."""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from pathlib import Path

import click

from backend.errors import BackendError
from backend.log import internal_error, logging_to
from backend.text import clean
from tui.cli import exits, streams
from tui.cli.exits import Exit
from tui.cli.hints import UsageHint
from tui.cli.output import complain
from tui.cli.streams import OutputLost

logger = logging.getLogger(__name__)


def run() -> int:
    """Run the command and return its exit code, with every error reported."""
    streams.prepare()
    warnings.showwarning = lambda message, *_: complain(clean(str(message)))
    with logging_to(_state_folder):
        try:
            try:
                code = _command()
            finally:
                sys.stdout.flush()
        except OutputLost as error:
            code = _report_lost_output(error)
    # From here on Ctrl-C would only spoil what was reported.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr.flush()
    return code


def _command() -> int:
    from tui.cli.root import cli

    try:
        cli.main(standalone_mode=False)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.FAILED
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        command = None if isinstance(error, UsageHint) else getattr(error, "ctx", None)
        hint = f" (see: {command.command_path} --help)" if command else ""
        complain(clean(error.format_message()) + hint)
        return error.exit_code
    except BackendError as error:
        logger.debug("the command failed", exc_info=True)
        complain(clean(error.message))
        return exits.of_error(error)
    except (KeyboardInterrupt, click.Abort):
        return Exit.DETACHED
    except OutputLost:
        raise
    except Exception as error:
        complain(internal_error(error).message)
        return Exit.INTERNAL
    return Exit.COMPLETED


def _report_lost_output(error: OutputLost) -> Exit:
    if error.nobody_reads:
        return Exit.DETACHED  # As after Ctrl-C: the reader is not interested any more.
    complain(f"cannot write the output: {error}")
    return Exit.FAILED


def _state_folder() -> Path:
    # Loaded with the first entry: most commands log nothing.
    from backend.records.folder import state_folder

    return state_folder()
