"""The id of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.records import machine


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "_SOURCES", (tmp_path / "missing", tmp_path / "machine-id"))
    return tmp_path / "machine-id"


fresh: Callable[[], str | None] = machine.machine_id.__wrapped__


def test_it_is_the_same_each_time_and_does_not_give_the_secret_away(source: Path) -> None:
    source.write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    first = fresh()
    assert first is not None and len(first) == 32 and int(first, 16)
    assert first != source.read_text().strip()
    assert fresh() == first
    source.write_text("3d1219c7c4c5404aaa1f6d2a48adfda5\n")
    assert fresh() != first


@pytest.mark.parametrize("content", [b"", b"uninitialized\n", b"0" * 32, b"\xff" * 32, b"3d1219c7"])
def test_what_is_no_id_is_none(content: bytes, source: Path) -> None:
    source.write_bytes(content)
    assert fresh() is None


def test_a_machine_may_have_none(source: Path) -> None:
    assert fresh() is None
