"""What commands share that follow something: they detach at Ctrl-C, and run the user's command at its end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

from tui.cli.exits import Exit
from tui.cli.output import complain, note
from tui.cli.streams import OutputLost
from tui.cli.target import Target

if TYPE_CHECKING:
    from backend.outcome import Outcome
    from tui.terminal.notify import Notice


def until_detached(work: Coroutine[Any, Any, Exit], running: str, again: Callable[[], str], stop: str = "") -> NoReturn:
    """Run `work` and exit with its code. Ctrl-C only detaches: what it follows goes on.

    `running` says so; `again` is the command line that attaches again, and `stop` one that ends what goes on.
    """
    try:
        code = asyncio.run(work)
    except (KeyboardInterrupt, OutputLost) as end:
        if isinstance(end, OutputLost) and not end.nobody_reads:
            complain(f"cannot write the output: {end}")
        if stop:
            note(f"to stop it: {stop}")
        note(f"detached; {running}. Attach again with: {again()}")
        code = Exit.DETACHED
    sys.exit(code)


def end_notifier(target: Target) -> Callable[[Outcome, str], None]:
    """A function that runs the user's on_end command for a job. Everything it needs is loaded now, not when it ends."""
    run_on_end = notifier(target)
    if run_on_end is None:
        return lambda outcome, uri: None
    from tui.terminal import notify

    return lambda outcome, uri: run_on_end(notify.of_outcome(outcome, uri))


def notifier(target: Target) -> Callable[[Notice], None] | None:
    """The same for anything that has ended; None: the user wants no such command."""
    command = target.config.notifications.on_end
    if not command:
        return None
    from tui.terminal import notify

    def run_on_end(notice: Notice) -> None:
        try:
            notify.run(command, notice)
        except (OSError, ValueError) as error:
            complain(f"on_end could not be run: {error}")

    return run_on_end
