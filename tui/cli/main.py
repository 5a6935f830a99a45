"""The entry point of the command. It loads everything else, so that Ctrl-C while loading shows no traceback."""

from __future__ import annotations

import os
from typing import NoReturn


def main() -> NoReturn:
    try:
        from tui.cli.run import run

        code = run()
    except KeyboardInterrupt:
        code = 130
    # Skips the interpreter's shutdown, which would delay the exit of `wait`.
    os._exit(code)
