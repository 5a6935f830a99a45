"""Telling someone who looks elsewhere that a job ended: the terminal's bell, its notification, a command of theirs."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from backend.outcome import Outcome, Verdict
from backend.records.command import CommandRecord, verdict
from backend.text import clean
from tui.config.values import Notifications
from tui.words import outcomes, runs

BELL = "\a"
MOST = 200
"""Characters of a notification."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What ended, for somebody to be told."""

    title: str
    """``db-01: dump completed``."""
    text: str
    variables: Mapping[str, str]
    """For the user's command."""


def of_outcome(outcome: Outcome, uri: str) -> Notice:
    """A job ended."""
    text = (outcome.path if outcome.verdict is Verdict.COMPLETED else "") or outcomes.reason(outcome)
    return Notice(outcomes.title(outcome), text, variables(outcome, uri))


def of_command(record: CommandRecord) -> Notice:
    """A command ended that was run as a job; its variables are those of a job, of which it has some, and two more."""
    concluded = verdict(record.state) or Verdict.UNPROVEN
    values = dict.fromkeys(("PATH", "FORMAT"), "") | {
        "DOMAIN": record.domain,
        "URI": clean(record.uri),
        "OPERATION": "run",
        "VERDICT": concluded,
        "EVIDENCE": runs.evidence(record),
        "ERROR": "" if concluded is Verdict.COMPLETED else record.result,
        "ELAPSED_MS": str(int((record.seconds or 0.0) * 1000)),
        "COMMAND": runs.command_line(record),
        "EXIT_STATUS": "" if record.exit_status is None else str(record.exit_status),
    }
    title = f"{record.domain}: {runs.name(record)} {concluded}"
    return Notice(title, record.result, _named(values))


def signal(notice: Notice, settings: Notifications, environment: Mapping[str, str] = os.environ) -> str:
    """The sequence that notifies through the terminal; it neither moves the cursor nor draws.

    OSC 9 is a text (iTerm2, Windows Terminal, kitty, foot), OSC 777 a title and a text (VTE, urxvt, foot, WezTerm).
    """
    return (BELL if settings.bell else "") + _notification(notice, settings.osc, "TMUX" in environment)


def _notification(notice: Notice, kind: str, in_tmux: bool) -> str:
    title, text = notice.title, notice.text
    if kind == "9":
        fields = f"9;{_safe(f'{title} - {text}')}"
    elif kind == "777":
        fields = f"777;notify;{_safe(title)};{_safe(text)}"
    else:
        return ""
    sequence = f"\x1b]{fields}\x1b\\"
    # tmux swallows such sequences, but passes wrapped ones on if allow-passthrough is on.
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\" if in_tmux else sequence


def _safe(text: str) -> str:
    """Without anything that would end the sequence, or one of its fields."""
    return clean(text).replace(";", ",")[:MOST]


def run(command: str, notice: Notice) -> None:
    """Start the user's command, if there is one, with what ended in its environment. OSError or ValueError on failure.

    It has a session of its own and no terminal: nothing that it does, or fails to finish, affects the console.
    """
    if not command:
        return
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        env={**os.environ, **notice.variables},
    )
    # Somebody has to reap it while this process lives.
    threading.Thread(target=process.wait, name=f"reaper of {process.pid}", daemon=True).start()


def variables(outcome: Outcome, uri: str) -> dict[str, str]:
    """An outcome as environment variables; empty where a value is missing."""
    values = {
        "DOMAIN": clean(outcome.domain.name),
        "URI": clean(uri),
        "OPERATION": outcome.operation.label,
        "VERDICT": outcome.verdict,
        "EVIDENCE": outcome.evidence,
        "ERROR": clean(outcome.error),
        "PATH": outcome.path or "",
        "FORMAT": outcome.format or "",
        "ELAPSED_MS": str(outcome.time_elapsed),
    }
    return _named(values)


def _named(values: Mapping[str, object]) -> dict[str, str]:
    return {f"VIRT_JOBS_{name}": str(value) for name, value in values.items()}
