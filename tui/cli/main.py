"""Where the command begins and ends. Everything else is loaded from here, so that Ctrl-C is no traceback even then."""

from __future__ import annotations

import os
from typing import NoReturn


def main() -> NoReturn:
    try:
        from tui.cli.run import run

        code = run()
    except KeyboardInterrupt:
        code = 130
    # Nothing is left to do, and the interpreter would take its time for it: a job's end would be told late.
    os._exit(code)
