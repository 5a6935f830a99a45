"""Ask whoever sits at the terminal for what a hypervisor wants to know."""

from __future__ import annotations

import asyncio
import getpass
import sys
import termios
from collections.abc import Mapping, Sequence
from functools import partial

from backend.credentials import Ask, Credential
from backend.errors import NotPermitted
from backend.text import clean
from backend.threads import in_thread

_one_at_a_time = asyncio.Lock()


def asker(uri: str) -> Ask | None:
    """What asks on the terminal for what `uri` wants to know; None where there is no terminal."""
    return partial(_ask, uri) if sys.stdin.isatty() and sys.stderr.isatty() else None


async def _ask(uri: str, wanted: Sequence[Credential]) -> Mapping[Credential, str]:
    async with _one_at_a_time:
        before = termios.tcgetattr(sys.stdin)
        try:
            return {credential: await in_thread(partial(_answer, uri, credential), "question") for credential in wanted}
        except EOFError:
            raise NotPermitted(f"{clean(uri)} wants an answer, and none was given") from None
        finally:
            # Ctrl-C ends the wait for the answer, not the thread that reads it with the echo turned off.
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def _answer(uri: str, credential: Credential) -> str:
    prompt = f"{clean(uri)}: {credential.prompt}: "
    if credential.secret:
        return getpass.getpass(prompt, sys.stderr)
    print(prompt, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer.rstrip("\n")
