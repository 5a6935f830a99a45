"""The manual page in roff: commands and options as ``--help`` shows them, and what applies to all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

import click

from tui.cli.common import option_records
from tui.cli.exits import Exit

PROGRAM = "virt-jobs"
EXITS: Mapping[Exit, str] = {
    Exit.COMPLETED: "success; after a wait: completed, with proof",
    Exit.FAILED: "failed; for doctor: something needs attention",
    Exit.USAGE: "invalid command line, config or URI, or the file exists already; nothing was done",
    Exit.NO_JOB: "no job to wait for",
    Exit.MISMATCH: "the running job is another operation than expected",
    Exit.CANCELLED: "the job was cancelled",
    Exit.UNPROVEN: "the job ended without proof of its result",
    Exit.UNREACHABLE: "no connection, no such domain, or not permitted",
    Exit.INTERNAL: "internal error, a bug of virt-jobs; its message names the log",
    Exit.TIMEOUT: "timed out; the job is not affected",
    Exit.NOT_EXECUTABLE: "of run: the command cannot be executed",
    Exit.NOT_FOUND: "of run: the command was not found",
    Exit.DETACHED: "detached by Ctrl-C; the job, or the command, is still running",
}
ENVIRONMENT = {
    "VIRSH_DEFAULT_CONNECT_URI, LIBVIRT_DEFAULT_URI": "The default hypervisor; the first variable that is set.",
    "XDG_CONFIG_HOME, XDG_STATE_HOME": "Base folders of the config and of the state (~/.config, ~/.local/state).",
    "VIRT_JOBS_HOST_FOLDER": "The folder of what the witness remembers, instead of /var/lib/virt-jobs.",
    "NO_COLOR": "Disables the console's colours.",
}
FILES = {
    "~/.config/virt-jobs/config.toml": "The config.",
    "~/.local/state/virt-jobs/journal-ID.db": "This user's dumps on the machine with that ID: the journal.",
    "~/.local/state/virt-jobs/history-ID.db": "What this user's console and commands saw of jobs on that machine.",
    "/var/lib/virt-jobs/history.db": "What the witness of this host remembers; for root and the group libvirt.",
    "~/.local/state/virt-jobs/preferences.json": "What the console remembers of its looks, such as the sort order.",
    "~/.local/state/virt-jobs/runs/": "What the commands of virt-jobs run have printed, up to 512 KiB each.",
    "~/.local/state/virt-jobs/virt-jobs.log": "The log: unexpected errors with their tracebacks; more with --debug.",
    "/etc/libvirt/libvirt.conf, ~/.config/libvirt/libvirt.conf": (
        "libvirt's aliases (uri_aliases) and default URI (uri_default), for root and for other users. Those of the "
        "config take precedence."
    ),
    "/etc/libvirt/auth.conf, ~/.config/libvirt/auth.conf": (
        "Credentials for hypervisors that ask for them, for use without a terminal."
    ),
}
CONFIG = {
    "connect": "The default hypervisors: aliases, groups or URIs.",
    "refresh": "The maximum number of screen updates per second.",
    "theme": "The console's theme.",
    "ascii": "Whether the console uses ASCII characters only: true, false or auto.",
    "columns": "The console's columns, in their order, if not those that were chosen there last.",
    "mouse": "Whether the console gets the mouse (true), or leaves it to the terminal (false).",
    "[connections.ALIAS]": "An alias for a uri, with an optional colour and readonly.",
    "[groups]": "Names for lists of aliases and URIs.",
    "[dump]": "The path template and the format of dumps, and whether to publish results in the domain's metadata.",
    "[notifications]": "How to announce the end of a job: bell, osc, and on_end, a shell command.",
    "[keymap]": "Keys of the console's commands, by id.",
    "[[actions]]": (
        "Commands of your own in the console: key, name and command, for a shell; target (domain, job or host), where "
        "(background or terminal) and confirm. What they are about is in their environment: VIRT_JOBS_DOMAIN, _UUID, "
        "_ID, _URI, _HOST, _STATE, _REASON, _OPERATION, _DISK, _PATH and _ELAPSED_MS."
    ),
}


def page(cli: click.Group) -> str:
    """The complete page."""
    return "\n".join([*_page(cli), ""])


def _page(cli: click.Group) -> Iterator[str]:
    context = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    summary, *description = _paragraphs(cli)
    yield f'.TH {PROGRAM.upper()} 1 "" "{PROGRAM} {version(PROGRAM)}" "User Commands"'
    yield from (".nh", ".ad l")
    yield from (".SH NAME", rf"{_roff(PROGRAM)} \- {_roff(summary[0].lower() + summary[1:].rstrip('.'))}")
    yield from (".SH SYNOPSIS", _usage(context))
    yield ".SH DESCRIPTION"
    yield from _text([summary, *description])
    yield from (".SH OPTIONS", *_options(context), *_example(cli))
    yield ".SH COMMANDS"
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        within = click.Context(command, info_name=name, parent=context)
        yield from (f".SS {_roff(name)}", _usage(within))
        yield from _text(_paragraphs(command))
        yield from _options(within)
        yield from _example(command)
    yield from (".SH EXIT STATUS", *_terms({str(code.value): words for code, words in EXITS.items()}))
    yield from (".SH ENVIRONMENT", *_terms(ENVIRONMENT))
    yield from (".SH FILES", *_terms(FILES))
    yield from (".SH CONFIGURATION", f"Settings of the config file; {PROGRAM} config prints the effective values.")
    yield from _terms(CONFIG)
    yield from (".SH SEE ALSO", ".BR virsh (1),", ".BR crash (8)")


def _usage(context: click.Context) -> str:
    path = context.command_path.replace(f"{PROGRAM} ", f"{PROGRAM} [OPTIONS] ", 1)
    return rf"\fB{_roff(path)}\fR {_roff(' '.join(context.command.collect_usage_pieces(context)))}"


def _options(context: click.Context) -> Iterator[str]:
    """Those of a command, or of the program, which are the common ones."""
    own, common = option_records(context.command, context)
    yield from _terms(dict([*common, *own] if context.parent is None else own))


def _example(command: click.Command) -> Iterator[str]:
    if command.epilog:
        _, heading, *lines = command.epilog.splitlines()
        yield from (".PP", _roff(heading), ".nf", *(_roff(line) for line in lines), ".fi")


def _terms(terms: Mapping[str, str]) -> Iterator[str]:
    for term, words in terms.items():
        yield from (".TP", rf"\fB{_roff(term)}\fR", _roff(words))


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", command.help or "")]


def _text(paragraphs: Iterable[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from (".PP", _roff(paragraph))


def _roff(text: str) -> str:
    """`text` escaped for roff, so that nothing in it acts as a request or an escape."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")
    escaped = escaped.replace("|", r"|\:")  # A long choice may be broken here.
    escaped = re.sub("[^\x00-\x7f]", lambda letter: rf"\[u{ord(letter[0]):04X}]", escaped)
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped
