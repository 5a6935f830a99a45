"""One run of the command: whatever goes wrong, one line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import warnings

import click

from backend.errors import BackendError
from backend.text import clean
from tui.cli import exits, streams
from tui.cli.exits import Exit
from tui.cli.output import complain
from tui.cli.streams import OutputLost


def run() -> int:
    """The exit code. What goes wrong is told before."""
    streams.prepare()
    warnings.showwarning = lambda message, *_: complain(clean(str(message)))
    try:
        try:
            code = _command()
        finally:
            sys.stdout.flush()
    except OutputLost as error:
        code = _not_written(error)
    # From here on Ctrl-C would only spoil what is told already.
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
        command = getattr(error, "ctx", None)
        hint = f" (see: {command.command_path} --help)" if command else ""
        complain(clean(error.format_message()) + hint)
        return error.exit_code
    except BackendError as error:
        complain(clean(error.message))
        return exits.of_error(error)
    except (KeyboardInterrupt, click.Abort):
        return Exit.DETACHED
    except OutputLost:
        raise
    except Exception as error:
        complain(f"internal error ({type(error).__name__}: {clean(str(error))}); {_keep_traceback()}")
        return Exit.FAILED
    return Exit.COMPLETED


def _not_written(error: OutputLost) -> Exit:
    if error.nobody_reads:
        return Exit.DETACHED  # As after Ctrl-C: whoever wanted to know does not any more.
    complain(f"cannot write the output: {error}")
    return Exit.FAILED


def _keep_traceback() -> str:
    """Where the traceback of the current exception was written, for a report of the bug."""
    import traceback

    from backend.records.folder import state_folder

    try:
        path = state_folder() / "traceback.txt"
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", errors="backslashreplace") as file:
            file.write(traceback.format_exc())
    except (BackendError, OSError) as error:
        return f"its traceback could not be kept: {clean(str(error))}"
    return f"please report it with {path}"
