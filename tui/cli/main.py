"""Where the command begins and ends: whatever goes wrong, one line and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

import click

from backend.errors import BackendError
from backend.text import clean
from tui.cli import exits
from tui.cli.exits import Exit
from tui.cli.output import complain
from tui.cli.root import cli


def main() -> NoReturn:
    code: object = Exit.FAILED
    try:
        _main()
    except SystemExit as ended:
        code = ended.code
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    # Nothing is left to do, and the interpreter would take its time for it: a job's end would be told late.
    os._exit(code if isinstance(code, int) else Exit.FAILED)


def _main() -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            cli.main(standalone_mode=False)
        finally:
            sys.stdout.flush()
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        command = getattr(error, "ctx", None)
        hint = f" (see: {command.command_path} --help)" if command else ""
        complain(error.format_message() + hint)
        sys.exit(error.exit_code)
    except BackendError as error:
        complain(clean(error.message))
        sys.exit(exits.of_error(error))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(Exit.DETACHED)
    except BrokenPipeError:
        # Whoever read the output has gone; the interpreter must not try to flush to them at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.FAILED)
    except Exception as error:
        complain(f"internal error ({type(error).__name__}: {clean(str(error))}); {_keep_traceback()}")
        sys.exit(Exit.FAILED)
    sys.exit(0)


def _keep_traceback() -> str:
    """Where the traceback of the current exception was written, for a report of the bug."""
    import traceback

    from backend.journal import state_folder

    try:
        path = state_folder() / "traceback.txt"
        path.write_text(traceback.format_exc())
    except (BackendError, OSError) as error:
        return f"its traceback could not be kept: {error}"
    return f"please report it with {path}"
