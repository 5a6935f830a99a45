"""The log file: private, bounded, shared by processes, without passwords, and never a reason to fail."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend import log
from backend.errors import BackendError, InternalError, JournalError
from backend.log import LogFile, backend_error, ignored, internal_error, log_details, logging_to
from backend.records.folder import state_folder
from backend.running import detached, runner
from backend.threads import in_thread
from tests.eventually import eventually
from tests.unit.test_runner import FullUp, started

logger = logging.getLogger("backend.some.module")


@pytest.fixture
def log_file() -> Iterator[LogFile]:
    with logging_to(state_folder) as log_file:
        yield log_file


def written(log_file: LogFile, state_home: Path) -> str:
    log_file.flush()
    return (state_home / "virt-jobs" / log.NAME).read_text()


def test_an_entry_says_when_who_and_what(log_file: LogFile, state_home: Path) -> None:
    logger.warning("lost %s", "hv1")
    [line] = written(log_file, state_home).splitlines()
    moment, rest = line[:23], line[24:]
    time.strptime(moment, "%Y-%m-%d %H:%M:%S.%f")
    assert rest == f"{os.getpid()} WARNING backend.some.module: lost hv1"


def test_only_this_user_can_read_it(log_file: LogFile, state_home: Path) -> None:
    (state_home / "virt-jobs").mkdir(parents=True)
    path = state_home / "virt-jobs" / log.NAME
    path.write_text("")
    path.chmod(0o644)
    logger.warning("x")
    log_file.flush()
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)


def test_text_from_outside_cannot_forge_an_entry_or_act_on_a_terminal(log_file: LogFile, state_home: Path) -> None:
    logger.warning("%s", "name\n2026-01-01 00:00:00.000 1 ERROR forged: \x1b]0;x\x07\u202e")
    try:
        raise ValueError("first\nforged \x1b[2J")
    except ValueError:
        logger.exception("failed")
    head, second, *traceback = written(log_file, state_home).splitlines()
    assert "\\x1b]0;x\\x07\\u202e" in head
    assert second.endswith("ERROR backend.some.module: failed")
    assert all(line.startswith("    ") and line.isprintable() for line in traceback)
    assert traceback[-1] == "    forged \\x1b[2J"


@pytest.mark.parametrize("password", ["secret", "sec@ret", "sec:ret", "sec ret"])
def test_no_password_of_a_uri_gets_into_it(log_file: LogFile, state_home: Path, password: str) -> None:
    logger.warning("cannot connect to qemu+tcp://me:%s@hv1:16509/system and %s", password, f"x://u:{password}@y")
    try:
        raise OSError(f"qemu://me:{password}@hv1/system")
    except OSError as error:
        assert password not in internal_error(error).message
    text = written(log_file, state_home)
    assert "qemu+tcp://me@hv1:16509/system and x://u@y" in text
    assert password not in text


def test_it_is_bounded_and_whole_whoever_writes(state_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MAX_BYTES", 10_000)
    files = [LogFile(state_folder) for _ in range(4)]

    def write(log_file: LogFile) -> None:
        for _ in range(200):
            log_file.handle(logging.LogRecord("x", logging.ERROR, "", 0, "y" * 80, (), None))
        log_file.close()

    threads = [threading.Thread(target=write, args=[log_file]) for log_file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    paths = sorted((state_home / "virt-jobs").iterdir())
    assert [path.name for path in paths] == [log.NAME, f"{log.NAME}.1"]
    # Whoever writes while one of them renames the file still writes to that.
    assert all(path.stat().st_size < 20_000 for path in paths)
    assert all(line.endswith(f"ERROR x: {'y' * 80}") for path in paths for line in path.read_text().splitlines())


@pytest.mark.process
def test_processes_share_it(state_home: Path) -> None:
    code = (
        "import logging; from backend.log import logging_to; from backend.records.folder import state_folder\n"
        "with logging_to(state_folder):\n"
        "    for _ in range(100): logging.error('z' * 500)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    lines = (state_home / "virt-jobs" / log.NAME).read_text().splitlines()
    assert len(lines) == 300
    assert all(line.endswith(f"ERROR root: {'z' * 500}") for line in lines)


def link(path: Path) -> None:
    path.symlink_to("/nonexistent/elsewhere")


@pytest.mark.parametrize("put", [link, os.mkfifo, os.mkdir])
def test_what_is_no_file_of_ours_only_loses_lines(put: object, log_file: LogFile, state_home: Path) -> None:
    assert callable(put)
    (state_home / "virt-jobs").mkdir(parents=True)
    put(state_home / "virt-jobs" / log.NAME)
    logger.error("x")
    assert log_file.place().startswith("its traceback could not be kept: ")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), JournalError("no home folder")])
def test_a_full_disk_or_no_folder_only_loses_lines(error: Exception, capfd: pytest.CaptureFixture[str]) -> None:
    def folder() -> Path:
        raise error

    with logging_to(folder):
        message = internal_error(ValueError("bad")).message
    reason = error.strerror if isinstance(error, OSError) else str(error)
    assert message == f"internal error: ValueError: bad; its traceback could not be kept: {reason}"
    assert capfd.readouterr() == ("", "")


def test_a_file_system_that_does_not_answer_delays_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "PATIENCE", 0.01)
    answer = threading.Event()

    def folder() -> Path:
        answer.wait()
        return Path("/nonexistent")

    with logging_to(folder):
        for _ in range(2000):
            logger.error("x")
        assert internal_error(ValueError("bad")).message.endswith("; its log file does not answer")
    answer.set()


def test_arguments_that_do_not_fit_their_message_are_no_error(
    log_file: LogFile, state_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log_file.handle(logging.LogRecord("x", logging.ERROR, "", 0, "%d of %d", ("one",), None))
    assert "'%d of %d'" in written(log_file, state_home)


def test_an_internal_error_is_one_line_that_names_the_file(log_file: LogFile, state_home: Path) -> None:
    error = internal_error(RuntimeError("not\ntoday"))
    assert error.message == f"internal error: RuntimeError: not today; see {state_home / 'virt-jobs' / log.NAME}"
    assert "RuntimeError: not" in written(log_file, state_home)


def test_an_expected_error_stays_what_it_is(caplog: pytest.LogCaptureFixture) -> None:
    expected = JournalError("its disk is full")
    assert backend_error(expected) is expected
    assert isinstance(backend_error(KeyError("x")), InternalError)
    assert issubclass(InternalError, BackendError)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_what_a_thread_raises_is_kept_and_not_shown(
    log_file: LogFile, state_home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    thread = threading.Thread(target=lambda: 1 // 0, name="worker of hv1")
    thread.start()
    thread.join()
    text = written(log_file, state_home)
    assert "thread worker of hv1 failed\n    Traceback" in text
    assert "ZeroDivisionError" in text
    assert capfd.readouterr().err == ""


def test_details_are_logged_only_when_they_are_asked_for(log_file: LogFile, state_home: Path) -> None:
    logger.debug("first")
    log_details(on_stderr=False)
    logger.debug("second")
    text = written(log_file, state_home)
    assert ("first" in text, "second" in text) == (False, True)


def test_nothing_is_left_of_it_afterwards() -> None:
    before = (list(logging.getLogger().handlers), threading.excepthook, sys.unraisablehook)
    with logging_to(state_folder):
        log_details(on_stderr=True)
    assert (list(logging.getLogger().handlers), threading.excepthook, sys.unraisablehook) == before
    assert logging.getLogger("backend").level == logging.NOTSET


def test_an_ignored_error_leaves_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ignored(logger, "the record is in the journal only", BackendError):
        raise JournalError("the domain is gone")
    assert caplog.record_tuples == [
        ("backend.some.module", logging.DEBUG, "the record is in the journal only: the domain is gone")
    ]
    with pytest.raises(KeyError), ignored(logger, "nothing", BackendError):
        raise KeyError("x")


async def test_the_error_of_a_call_that_was_given_up_leaves_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    release = threading.Event()

    def call() -> None:
        release.wait()
        raise JournalError("too late")

    future = in_thread(call, "slow call")
    future.cancel()
    release.set()
    await asyncio.to_thread(eventually, lambda: "too late" in caplog.text)


async def test_a_record_that_cannot_be_stored_yet_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "KEEP_INTERVAL", 0.001)
    record = await started(tmp_path / "core")
    await runner.run(record.id, FullUp())
    messages = [entry.getMessage() for entry in caplog.records if entry.name == "backend.running.detached"]
    assert messages == ["the record of vm-01 is not stored yet: its disk is full"] * FullUp.refusals


def test_of_several_errors_at_once_the_first_unexpected_one_is_named(log_file: LogFile, state_home: Path) -> None:
    broken = ExceptionGroup(
        "tasks", [JournalError("its disk is full"), ExceptionGroup("more", [RuntimeError("x")]), KeyError("y")]
    )
    assert backend_error(broken).message.startswith("internal error: RuntimeError: x; see ")
    text = written(log_file, state_home)
    assert all(name in text for name in ("JournalError", "RuntimeError", "KeyError"))


def test_several_expected_errors_at_once_are_the_first_of_them() -> None:
    expected = JournalError("its disk is full")
    assert backend_error(ExceptionGroup("tasks", [expected, JournalError("again")])) is expected
