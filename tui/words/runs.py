"""A command that was run as a job, in words."""

from __future__ import annotations

import os

from backend.outcome import Verdict
from backend.records.command import CommandRecord, still_runs, verdict
from backend.text import clean
from tui.words import units
from tui.words.outcomes import SYMBOLS


def name(record: CommandRecord) -> str:
    """What the command is called: ``virsh``."""
    return clean(os.path.basename(record.argv[0]) or record.argv[0])


def command_line(record: CommandRecord) -> str:
    """The command line, fit to be shown."""
    return clean(record.line)


def evidence(record: CommandRecord) -> str:
    """What the verdict on the command rests on: ``exit status 3``, ``killed by SIGKILL``, ``none``."""
    return record.result if record.signal is not None or record.exit_status is not None else "none"


def report(record: CommandRecord) -> str:
    """One line for a terminal on one that is over: ``db-01: virsh completed (evidence: exit status 0) in 0:23``."""
    words = f"{record.domain}: {name(record)} {verdict(record.state)} (evidence: {evidence(record)}){_took(record)}"
    return words + (f": {record.error}{survivor(record)}" if record.error else "")


def line(record: CommandRecord) -> str:
    """One line for a list about several domains: ``✓ virsh completed (exit status 0) in 0:23``."""
    concluded = verdict(record.state) or Verdict.UNPROVEN
    return f"{SYMBOLS[concluded]} {name(record)} {concluded} ({record.result}{survivor(record)}){_took(record)}"


def _took(record: CommandRecord) -> str:
    known = record.exit_status is not None or record.signal is not None
    return f" in {units.duration(record.seconds)}" if known and record.seconds is not None else ""


def survivor(record: CommandRecord) -> str:
    """What became of a command whose runner died: ``; the command still runs (pid 812)``, or empty."""
    return f"; the command still runs (pid {record.command_pid})" if _is_left(record) else ""


def _is_left(record: CommandRecord) -> bool:
    return verdict(record.state) is Verdict.UNPROVEN and still_runs(record)
