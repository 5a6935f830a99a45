"""Completion in shells: click's own, but with names that a shell would take apart, and URIs, whole.

Loaded only while a shell asks, or for the scripts that make it ask. Nothing in here raises, prints, asks for a password
or takes longer than its deadline: whoever presses Tab wants none of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

from backend.base import Backend
from backend.errors import BackendError
from backend.libvirt.connection import conf
from backend.model import Domain, DomainState
from tui.cli.target import DEMO, Target

PROGRAM = "virt-jobs"
VARIABLE = "_VIRT_JOBS_COMPLETE"
"""Set by the scripts in the environment of the command: what they ask for."""
DEADLINE = 0.5
"""Seconds that all hypervisors together may take to name their domains."""
logger = logging.getLogger(__name__)

_USUAL = ("qemu:///system", "qemu:///session", DEMO)


def script(shell: str, cli: click.Command) -> str:
    """What is to be sourced for completion in `shell`, one of SHELLS."""
    return SHELLS[shell](cli, {}, PROGRAM, VARIABLE).source()


def domains(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Domains that the command can be about, on the hypervisors that it would go to."""
    with _quiet():
        given = context.params.get("domains") or ()
        found = asyncio.run(_all_domains(_target(context)))
        return [
            CompletionItem(domain.name, help=domain.state.label)
            for domain in found
            if _fits(domain, context.info_name) and domain.name.startswith(incomplete) and domain.name not in given
        ]
    return []


def recorded(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Domains with a dump in the journal."""
    with _quiet():
        from backend.records.journal import Journal

        return _items((record.domain for record in Journal().history()), incomplete)
    return []


def uris(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Aliases and groups of the config, aliases of libvirt.conf, and URIs that are used everywhere."""
    names: list[str] = []
    with _quiet():
        config = _target(context).config
        names += [*config.connections, *config.groups]
    with _quiet():
        names += conf.load().aliases
    return _items([*names, *_USUAL], incomplete)


def _fits(domain: Domain, command: str | None) -> bool:
    return domain.state is DomainState.PAUSED if command == "resume" else domain.active


def _items(values: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(value) for value in dict.fromkeys(values) if value.startswith(incomplete)]


def _target(context: click.Context) -> Target:
    given = context.find_root().params
    named = tuple(given.get("uris") or ())
    return Target((*named, DEMO) if given.get("demo") else named, readonly=True)


async def _all_domains(target: Target) -> list[Domain]:
    """What has come within the deadline."""
    found: list[Domain] = []
    # Before the deadline begins: what speaks to a hypervisor is loaded with the first of a kind.
    backends: list[Backend] = []
    for uri in target.uris:
        with _logged(BackendError):
            backends.append(target.silent_backend(uri))

    async def ask(backend: Backend) -> None:
        with _logged(BackendError):
            async with backend:
                found.extend(await backend.domains())

    with _logged(TimeoutError):
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*map(ask, backends))
    return found


@contextlib.contextmanager
def _logged(expected: type[Exception]) -> Iterator[None]:
    """Log an error that only means fewer names."""
    try:
        yield
    except expected as error:
        logger.debug("no domains to complete: %s", error or "too slow")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Show nothing to somebody who is typing a command: no error, and nothing that is written to stderr."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    except Exception:
        logger.warning("completion failed", exc_info=True)


class _Whole(ShellComplete):
    """``--format=kd`` is one word for a shell: what replaces it has to begin like it."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        items = super().get_completions(args, incomplete)
        option, assigned, _ = incomplete.partition("=")
        if assigned and option.startswith("--"):
            for item in items:
                if item.type == "plain":
                    item.value = f"{option}={item.value}"
        return items


class Bash(_Whole, BashComplete):
    """Bash's own words end at ":" and "=", so the line itself is taken apart here, and what it has not to replace is
    taken off again; what it inserts, it inserts as it is, so it gets it quoted."""

    source_template = """\
%(complete_func)s() {
    local item
    COMPREPLY=()
    while IFS= read -r item; do
        case $item in
            file,*) compopt -o default ;;
            dir,*) compopt -o dirnames ;;
            plain,*) COMPREPLY+=("${item#*,}") ;;
        esac
    done < <(COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_CWORD= COMP_BREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null || complete -F %(complete_func)s %(prog_name)s
"""

    def source(self) -> str:
        return self.source_template % self.source_vars()

    def get_completion_args(self) -> tuple[list[str], str]:
        # The point stands for the rest of the word, so that an empty one is a word too.
        words = split_arg_string(os.environ["COMP_WORDS"] + ".")
        return words[1:-1], words[-1][:-1]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        if item.type == "plain":
            item.value = _inserted(item.value, _last_word(os.environ["COMP_WORDS"]), os.environ["COMP_BREAKS"])
        return super().format_completion(item)


def _inserted(value: str, typed: str, breaks: str) -> str:
    """What bash is to put in the place of what it takes for the word that was `typed`; that ends at any of `breaks`."""
    if typed.startswith("'"):
        return value.replace("'", r"'\''")
    if typed.startswith('"'):
        return re.sub(r'([$`"\\])', r"\\\1", value)
    kept = max((typed.rfind(mark) for mark in ":=" if mark in breaks), default=-1) + 1
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", value).removeprefix(typed[:kept])


def _last_word(line: str) -> str:
    """The word that the line ends in, as it was typed."""
    word = re.search(r"""(?:[^\s\\'"]|\\.|'[^']*'?|"(?:[^"\\]|\\.)*"?|\\$)*$""", line)
    return word[0] if word else ""


class Zsh(_Whole, ZshComplete):
    """What has a help text goes through ``_describe``, which takes a backslash for its own."""

    def format_completion(self, item: CompletionItem[str]) -> str:
        if item.help:
            item.value = item.value.replace("\\", "\\\\")
        return super().format_completion(item)


class Fish(_Whole, FishComplete):
    """Names may have commas."""

    source_template = FishComplete.source_template.replace("string split ", "string split -m 1 ")


SHELLS: dict[str, type[_Whole]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
for _shell in SHELLS.values():
    add_completion_class(_shell)
