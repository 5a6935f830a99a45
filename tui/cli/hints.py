"""Command lines in hints: they can be pasted into a shell as they are."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence

import click

PROGRAM = "virt-jobs"


class UsageHint(click.UsageError):
    """A mistake on the command line; its message ends with one that is right."""


def command_line(hosts: Iterable[str], command: str, *names: str, options: Iterable[str] = ()) -> str:
    """``virt-jobs -c HOST COMMAND NAME OPTION``; `hosts` are values for the option -c.

    Names that start with a dash come last, after ``--``.
    """
    if any(name.startswith("-") for name in names):
        return shlex.join([PROGRAM, *connect_options(hosts), command, *options, "--", *names])
    return shlex.join([PROGRAM, *connect_options(hosts), command, *names, *options])


def this_command(*options: str, argument: str | None = None, hosts: Sequence[str] | None = None) -> str:
    """The command line that is running, with more options and one more argument, or for other hosts."""
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    before, after = words[:end], words[end:]
    if hosts is not None:
        before = [*connect_options(hosts), *_without_hosts(before)]
    return shlex.join([PROGRAM, *before, *options, *after, *([argument] if argument is not None else [])])


def connect_options(hosts: Iterable[str]) -> list[str]:
    """``-c HOST`` for each."""
    return [word for host in hosts for word in ("-c", host)]


def _without_hosts(words: Iterable[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        if word in ("-c", "--connect"):
            next(rest, None)
        elif word != "--demo" and not word.startswith(("-c", "--connect=")):
            yield word
