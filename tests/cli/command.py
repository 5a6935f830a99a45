"""The command, run to its end, on simulators that have no job of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import pytest

from tui.cli.run import run

TIMEOUTS = ("0.2", "2", "20")
"""Seconds of a wait, to be tried one after the other: a busy machine may take longer to learn that there is a job."""
UNKNOWN = "nothing is known of its job yet"
"""What a wait says whose time was over before that."""
QUICK = "sim:///quick?domains=2&jobs=0&memory=1"
HELD = "sim:///held?domains=2&jobs=0&memory=64"
"""The simulator of the fixture `held`."""


def virt_jobs(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command within this process, from its arguments to its exit code, on streams of its own.

    Signals, locales, and what is imported at the start need `virt_jobs_process`.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _streams(out, err), warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
            warnings.simplefilter("default", UserWarning)  # Meant for the user, unlike all others.
            patch.setattr(sys, "argv", ["virt-jobs", *arguments])
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            code = run()
        return subprocess.CompletedProcess(arguments, code, _text(out), _text(err))


def virt_jobs_process(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )


def timed_out(*arguments: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """A command that waits, whose time was over when it knew of its jobs, and the seconds that it had."""
    for timeout in TIMEOUTS:
        ended = virt_jobs(*arguments, "--timeout", timeout)
        if UNKNOWN not in ended.stderr:
            break
    return ended, timeout


def follow(*arguments: str, domains: set[str], then: Callable[[], None]) -> tuple[list[dict[str, Any]], int]:
    """The outcomes and exit code of a command that waits; `then` is called once it follows the jobs of `domains`."""
    command = [sys.executable, "-m", "tui", *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        followed: set[str] = set()
        while followed != domains:
            line = json.loads(process.stdout.readline())
            assert line["event"] == "progress"
            followed.add(line["domain"])
        then()
        out, _ = process.communicate()
    outcomes = [line for text in out.splitlines() if (line := json.loads(text))["event"] == "outcome"]
    return outcomes, process.returncode


def one_line(text: str) -> bool:
    return text.startswith("virt-jobs: ") and text.count("\n") == 1 and "Traceback" not in text


@contextmanager
def _streams(out: IO[bytes], err: IO[bytes]) -> Iterator[None]:
    """Standard streams that lead to these files, and nothing to read, until the block ends."""
    kept = sys.stdin, sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with ExitStack() as restored, open(os.devnull, "rb") as nothing:
        for descriptor, file in enumerate((nothing, out, err)):
            saved = os.dup(descriptor)
            restored.callback(os.close, saved)
            restored.callback(os.dup2, saved, descriptor)
            os.dup2(file.fileno(), descriptor)
        try:
            sys.stdin = open(0, closefd=False)  # noqa: SIM115
            yield
        finally:
            for stream in (sys.stdin, sys.stdout, sys.stderr):
                stream.close()
            sys.stdin, sys.stdout, sys.stderr, interrupt = kept
            signal.signal(signal.SIGINT, interrupt)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()
