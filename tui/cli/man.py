"""The manual page, in roff: commands and options as ``--help`` tells of them, and what holds for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

import click

from tui.cli.exits import Exit

PROGRAM = "virt-jobs"
EXITS: Mapping[Exit, str] = {
    Exit.COMPLETED: "done; of a job that was waited for: completed, with proof",
    Exit.FAILED: "failed; of doctor: something needs attention",
    Exit.USAGE: "the command line, the config or a URI cannot be understood, or a file is in the way; nothing was done",
    Exit.NO_JOB: "nothing to wait for",
    Exit.MISMATCH: "another operation than the one that was expected",
    Exit.CANCELLED: "the job was cancelled",
    Exit.UNPROVEN: "the job ended, and nothing proves how",
    Exit.UNREACHABLE: "no connection, no such domain, or not permitted",
    Exit.TIMEOUT: "the time given is over; the job goes on",
    Exit.DETACHED: "detached by Ctrl-C; the job goes on",
}
ENVIRONMENT = {
    "VIRSH_DEFAULT_CONNECT_URI, LIBVIRT_DEFAULT_URI": "The hypervisor, where -c names none; the first one that is set.",
    "XDG_CONFIG_HOME, XDG_STATE_HOME": "Where the config and the journal are: ~/.config and ~/.local/state if not set.",
    "NO_COLOR": "The console writes no colours.",
}
FILES = {
    "~/.config/virt-jobs/config.toml": "The config.",
    "~/.local/state/virt-jobs/journal.db": "The journal: which dumps this user asked for on this machine.",
    "/etc/libvirt/libvirt.conf, ~/.config/libvirt/libvirt.conf": (
        "libvirt's own aliases (uri_aliases) and usual URI (uri_default), for root and for others. Those of the config "
        "come before them."
    ),
    "/etc/libvirt/auth.conf, ~/.config/libvirt/auth.conf": (
        "What a hypervisor wants to know before it lets a connection in, where nobody can be asked at a terminal."
    ),
}
CONFIG = {
    "connect": "What opens where nothing is named: aliases, groups or URIs.",
    "refresh": "How often a second the console shows changes, at the most.",
    "theme": "The colours of the console.",
    "ascii": "Whether the console draws with ASCII only: true, false or auto.",
    "[connections.ALIAS]": "A name for the hypervisor at uri, the colour of that name, and whether it is readonly.",
    "[groups]": "Names for several aliases and URIs at once.",
    "[dump]": "The path, a template, and the format of dumps; whether to publish results in the domain's metadata.",
    "[notifications]": "How the end of a job is told: bell, osc, and on_end, a command of the shell.",
    "[keymap]": "Other keys for the console's commands, by their ids.",
}


def page(cli: click.Group) -> str:
    """The whole page."""
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
    yield from (".SH OPTIONS", *_options(context))
    yield ".SH COMMANDS"
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        within = click.Context(command, info_name=name, parent=context)
        yield from (f".SS {_roff(name)}", _usage(within))
        yield from _text(_paragraphs(command))
        yield from _options(within)
    yield from (".SH EXIT STATUS", *_terms({str(code.value): words for code, words in EXITS.items()}))
    yield from (".SH ENVIRONMENT", *_terms(ENVIRONMENT))
    yield from (".SH FILES", *_terms(FILES))
    yield from (".SH CONFIGURATION", f"What can be set in the config; {PROGRAM} config prints all that holds.")
    yield from _terms(CONFIG)
    yield from (".SH SEE ALSO", ".BR virsh (1),", ".BR crash (8)")


def _usage(context: click.Context) -> str:
    path = context.command_path.replace(f"{PROGRAM} ", f"{PROGRAM} [OPTIONS] ", 1)
    return rf"\fB{_roff(path)}\fR {_roff(' '.join(context.command.collect_usage_pieces(context)))}"


def _options(context: click.Context) -> Iterator[str]:
    options = (known for known in context.command.get_params(context) if isinstance(known, click.Option))
    records = (option.get_help_record(context) for option in options)
    yield from _terms(dict(record for record in records if record is not None))


def _terms(terms: Mapping[str, str]) -> Iterator[str]:
    for term, words in terms.items():
        yield from (".TP", rf"\fB{_roff(term)}\fR", _roff(words))


def _paragraphs(command: click.Command) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", command.help or "")]


def _text(paragraphs: Iterable[str]) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from (".PP", _roff(paragraph))


def _roff(text: str) -> str:
    """`text` as roff prints it: nothing in it is a command or an escape."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("^", r"\(ha")
    escaped = escaped.replace("|", r"|\:")  # Where a long choice may be broken.
    escaped = re.sub("[^\x00-\x7f]", lambda letter: rf"\[u{ord(letter[0]):04X}]", escaped)
    return rf"\&{escaped}" if escaped[:1] in (".", "'") else escaped
