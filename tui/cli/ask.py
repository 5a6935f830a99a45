"""Prompt at the terminal for the credentials that a hypervisor asks for."""

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

_one_prompt_at_a_time = asyncio.Lock()


def asker(uri: str) -> Ask | None:
    """A function that prompts for the credentials of `uri`; None without a terminal."""
    return partial(_ask, uri) if sys.stdin.isatty() and sys.stderr.isatty() else None


async def _ask(uri: str, credentials: Sequence[Credential]) -> Mapping[Credential, str]:
    async with _one_prompt_at_a_time:
        before = termios.tcgetattr(sys.stdin)
        try:
            return {
                credential: await in_thread(partial(_prompt, uri, credential), "prompt") for credential in credentials
            }
        except EOFError:
            raise NotPermitted(f"{clean(uri)} asked for a credential and got no answer") from None
        finally:
            # Ctrl-C ends this wait, but not the thread that still reads with the echo turned off.
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def _prompt(uri: str, credential: Credential) -> str:
    prompt = f"{clean(uri)}: {credential.prompt}: "
    if credential.secret:
        return getpass.getpass(prompt, sys.stderr)
    print(prompt, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise EOFError
    return answer.rstrip("\n")
