"""The end of a log: what is read of it, and what is said of one that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.errors import NotPermitted, OperationFailed
from tui.session.log_tail import LogTail, Tail


def appended(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def read(log: LogTail) -> Tail:
    tail = log.read()
    assert tail is not None
    return tail


def test_it_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_text("one\ntwo\n")
    log = LogTail(path)
    assert read(log) == Tail(["one", "two"])
    assert log.read() is None
    appended(path, "three, not ended")
    assert read(log) == Tail(["one", "two", "three, not ended"])


def test_of_a_long_one_the_last_whole_lines_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_text("".join(f"line {number}\n" for number in range(1000)))
    tail = read(LogTail(path, kept=100))
    assert tail.cut
    assert tail.lines[-1] == "line 999"
    assert len(tail.lines) == 11
    assert all(line.startswith("line ") for line in tail.lines)


def test_one_endless_line_is_shown_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_text("x" * 1000)
    assert read(LogTail(path, kept=100)) == Tail(["x" * 100], cut=True)


def test_after_a_rotation_what_was_before_it_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_text("old 1\nold 2\n")
    log = LogTail(path)
    read(log)
    path.rename(tmp_path / "vm.log.0")
    path.write_text("new\n")
    assert read(log) == Tail(["old 1", "old 2", "new"])
    assert read(LogTail(path, kept=12)) == Tail(["old 2", "new"], cut=True)


def test_one_that_was_truncated_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_text("a long line\n")
    log = LogTail(path)
    read(log)
    path.write_text("short\n")
    assert read(log) == Tail(["short"])


def test_what_would_act_on_a_terminal_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_bytes(b"\x1b[31mred\x07\tx\r\n\xff\xfe [@click=app.quit]\n\n")
    assert read(LogTail(path)) == Tail(["\\x1b[31mred\\x07 x", "\ufffd\ufffd [@click=app.quit]", ""])


def test_a_missing_one_may_come(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    log = LogTail(path)
    with pytest.raises(OperationFailed, match=r"there is no log yet: .*vm\.log"):
        log.read()
    path.write_text("here\n")
    assert read(log) == Tail(["here"])


def test_one_that_vanishes_is_told_of_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    path.write_text("here\n")
    log = LogTail(path)
    read(log)
    path.unlink()
    for _ in range(2):
        with pytest.raises(OperationFailed, match="no log yet"):
            log.read()


def test_one_that_this_user_may_not_read_says_who_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(NotPermitted, match=r"this user may not read .*vm\.log; root may"):
        LogTail(tmp_path / "vm.log").read()


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "vm.log"
    os.mkfifo(path)
    with pytest.raises(OperationFailed, match="not a regular file"):
        LogTail(path).read()
