"""What the console remembers of its looks."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_dumpfile import one_folder, write_anew
from tui.session.preferences import NAME, Preferences, load, save


@pytest.fixture
def file(state_home: Path) -> Path:
    """Where they are kept."""
    save()
    return state_home / "virt-jobs" / NAME


def test_nothing_was_chosen_at_first() -> None:
    assert load() == Preferences()


def test_what_was_saved_is_loaded() -> None:
    save(sorted_by="rate", descending=True)
    assert load() == Preferences(sorted_by="rate", descending=True)


def test_what_another_console_saved_stays() -> None:
    save(sorted_by="rate")
    save(history_sorted_by="took")
    assert load() == Preferences(sorted_by="rate", history_sorted_by="took")


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"sorted_by"', "\x00", "[" * 60_000, "ÿ", '{"sorted_by": 7}'])
def test_a_damaged_file_counts_as_the_defaults_and_is_replaced(file: Path, text: str) -> None:
    file.write_text(text, encoding="latin-1")
    assert load() == Preferences()
    save(sorted_by="name")
    assert load() == Preferences(sorted_by="name")


def test_a_field_that_makes_no_sense_leaves_the_others_alone(file: Path) -> None:
    file.write_text(json.dumps({"sorted_by": "name", "descending": "yes", "unknown": 1}))
    assert load() == Preferences(sorted_by="name")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@one_folder
@given(values=st.dictionaries(st.sampled_from([*Preferences.__dataclass_fields__, "other"]), json_values))
def test_whatever_the_file_says_the_types_are_right(file: Path, values: dict[str, object]) -> None:
    write_anew(file, json.dumps(values).encode())
    loaded = load()
    for name in Preferences.__dataclass_fields__:
        assert type(getattr(loaded, name)) is type(getattr(Preferences(), name))


def test_a_file_that_cannot_be_read_or_written_stops_nobody(file: Path) -> None:
    file.unlink()
    file.mkdir()
    save(sorted_by="name")
    assert load() == Preferences()


def test_a_pipe_in_its_place_blocks_nobody(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)
    assert load() == Preferences()


def test_a_link_is_not_followed(file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text('{"sorted_by": "name"}')
    file.unlink()
    file.symlink_to(elsewhere)
    assert load() == Preferences()


def test_several_consoles_lose_nothing_and_leave_nothing(file: Path) -> None:
    changes = {"sorted_by": "eta", "descending": True, "history_sorted_by": "by", "history_descending": True}
    savers = [threading.Thread(target=save, kwargs={name: value}) for name, value in changes.items()]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    assert load() == Preferences("eta", True, "by", True)
    assert [name for name in os.listdir(file.parent) if name.endswith(".tmp") or name.startswith(".")] == []
