"""Shell completion: click's own, extended to names and URIs that contain what a shell takes for the end of a word.

Loaded only for completion itself and for the scripts that set it up. Nothing in here raises, prints, prompts or takes
longer than its deadline: the user has pressed Tab while typing.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

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

from backend.base import Backend, find_domain
from backend.errors import BackendError
from backend.job_stats import JobStats
from backend.libvirt.connection import conf
from backend.log import ignored
from backend.model import Domain, DomainState
from tui.cli.choices import choices
from tui.cli.target import DEMO, Target

PROGRAM = "virt-jobs"
VARIABLE = "_VIRT_JOBS_COMPLETE"
"""The environment variable by which the scripts request completion."""
DEADLINE = 0.5
"""Seconds that all hypervisors together have to list their domains."""
logger = logging.getLogger(__name__)

T = TypeVar("T")
_USUAL = ("qemu:///system", "qemu:///session", DEMO)


def script(shell: str, cli: click.Command) -> str:
    """The script for `shell`, one of SHELLS, to source."""
    return SHELLS[shell](cli, {}, PROGRAM, VARIABLE).source()


def domains(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Domains that the command accepts, on the hypervisors that it would use."""
    with _quiet():
        typed = context.params.get("domains") or ()
        candidates = asyncio.run(_collect(_target(context), lambda backend: backend.domains()))
        return [
            CompletionItem(domain.name, help=domain.state.label)
            for domain in candidates
            if _fits(domain, context.info_name) and domain.name.startswith(incomplete) and domain.name not in typed
        ]
    return []


def disks(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Disks that have a job, of the domains on the command line, or of any."""
    with _quiet():
        # Where the option's value is missing, the parser has not come to the arguments: they are left over.
        names = [*context.args, *(context.params.get("domains") or ()), context.params.get("domain")]

        async def block_jobs(backend: Backend) -> list[JobStats]:
            candidates = await backend.domains()
            if any(names):
                candidates = [match for name in names if (match := find_domain(name or "", candidates)) is not None]
            answers = await backend.block_jobs([domain.key for domain in candidates if domain.active])
            return [job for answer in answers.values() if not isinstance(answer, BackendError) for job in answer]

        jobs = {job.disk: job for job in asyncio.run(_collect(_target(context), block_jobs))}
        return [
            CompletionItem(disk, help=job.operation.label)
            for disk, job in jobs.items()
            if disk is not None and disk.startswith(incomplete)
        ]
    return []


def recorded(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Domains of which a job is remembered."""
    with _quiet():
        from backend.observing.history_feed import HistoryFeed
        from backend.records.history import Query
        from backend.records.journal import Journal

        items = HistoryFeed(Query(limit=1000)).recall().items
        return _items([*(item.domain for item in items), *Journal().names()], incomplete)
    return []


def uris(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Aliases and groups of the config, aliases of libvirt.conf, and the usual URIs."""
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
    return replace(Target.of(choices(context)), readonly=True)


async def _collect(target: Target, query: Callable[[Backend], Awaitable[Iterable[T]]]) -> list[T]:
    """What `query` gives of each hypervisor, as far as it arrives within the deadline."""
    collected: list[T] = []
    # Made before the deadline starts: the first backend of its kind loads its modules.
    backends: list[Backend] = []
    for uri in target.uris:
        with ignored(logger, "nothing to complete", BackendError):
            backends.append(target.silent_backend(uri))

    async def collect(backend: Backend) -> None:
        with ignored(logger, "nothing to complete", BackendError):
            async with backend:
                collected.extend(await query(backend))

    with ignored(logger, "not everything to complete", TimeoutError):
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*map(collect, backends))
    return collected


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide errors and output to stderr from the command line that the user is typing."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    except Exception:
        logger.warning("completion failed", exc_info=True)


class _WholeWords(ShellComplete):
    """A shell treats ``--format=kd`` as one word, so its completions must start with ``--format=``."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        items = super().get_completions(args, incomplete)
        option, assigned, _ = incomplete.partition("=")
        if assigned and option.startswith("--"):
            for item in items:
                if item.type == "plain":
                    item.value = f"{option}={item.value}"
        return items


class Bash(_WholeWords, BashComplete):
    """Bash splits words at ":" and "=", so the line is split here instead, and the part of the word that bash keeps is
    removed again. Bash inserts completions as they are, so they are quoted here."""

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
        # The dot stands for the rest of the word, so that an empty word counts as one.
        words = split_arg_string(os.environ["COMP_WORDS"] + ".")
        return words[1:-1], words[-1][:-1]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        if item.type == "plain":
            item.value = _inserted(item.value, _last_word(os.environ["COMP_WORDS"]), os.environ["COMP_BREAKS"])
        return super().format_completion(item)


def _inserted(value: str, typed: str, breaks: str) -> str:
    """What bash puts in place of its current word, which is the part of `typed` after the last break."""
    if typed.startswith("'"):
        return value.replace("'", r"'\''")
    if typed.startswith('"'):
        return re.sub(r'([$`"\\])', r"\\\1", value)
    kept = max((typed.rfind(mark) for mark in ":=" if mark in breaks), default=-1) + 1
    return re.sub(r"([^\w@%+=:,./-])", r"\\\1", value).removeprefix(typed[:kept])


def _last_word(line: str) -> str:
    """The last word of the line, as typed."""
    word = re.search(r"""(?:[^\s\\'"]|\\.|'[^']*'?|"(?:[^"\\]|\\.)*"?|\\$)*$""", line)
    return word[0] if word else ""


class Zsh(_WholeWords, ZshComplete):
    """Items with a help text go through ``_describe``, which interprets backslashes."""

    def format_completion(self, item: CompletionItem[str]) -> str:
        if item.help:
            item.value = item.value.replace("\\", "\\\\")
        return super().format_completion(item)


class Fish(_WholeWords, FishComplete):
    """Names may contain commas."""

    source_template = FishComplete.source_template.replace("string split ", "string split -m 1 ")


SHELLS: dict[str, type[_WholeWords]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
for _shell in SHELLS.values():
    add_completion_class(_shell)
