"""What this machine's file system says of a dump's place: what it cannot look at, it does not call missing."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from backend.capabilities import Capabilities
from backend.model import Domain, DomainKey, DomainState
from backend.running import objections, place
from backend.running.place import Kind, Place, look, look_at
from tui.dumping import choice as dump_choice
from tui.dumping import plan as dump_plan
from tui.dumping.choice import DumpChoice
from tui.dumping.plan import Part

ERRORS = [
    errno.EACCES,
    errno.EPERM,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
]
errors = pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
LOCAL = Capabilities("QEMU", local=True, formats={}, flags={})
DOMAIN = Domain(DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01"), DomainState.RUNNING, memory=1 << 30)


@errors
@pytest.mark.parametrize("call", ["statvfs", "lstat"], ids=["folder", "file"])
def test_what_cannot_be_looked_at_is_unknown_with_the_reason(
    number: int, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> None:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, call, refuse)
    reason = f"cannot look into {tmp_path} ({os.strerror(number)})"
    assert look_at(f"{tmp_path}/dump") == Place(hidden=reason)


@errors
def test_it_is_no_reason_against_a_dump_and_no_promise(number: int) -> None:
    hidden = Place(hidden=f"cannot look into /dumps ({os.strerror(number)})")
    choice = DumpChoice("qemu:///system", DOMAIN, "/dumps/db-01")
    assert objections.to_folder(hidden) is None
    assert objections.to_place(hidden, overwrite=False) is None
    assert dump_choice.objection(choice, hidden, LOCAL) is None
    for notes in (
        list(dump_choice.notes(choice, hidden, LOCAL)),
        list(dump_plan.notes([Part(choice, hidden, LOCAL)], [])),
    ):
        words = "\n".join(text for _, text in notes)
        assert ("warn", f"{hidden.hidden}; libvirt may still be able to write there") in notes
        assert "free" not in words.replace("free space unknown", "")
        assert "does not exist" not in words
        assert "remote host" not in words


def test_several_dumps_into_one_hidden_folder_have_one_reason() -> None:
    hidden = Place(hidden="cannot look into /dumps (Permission denied)")
    parts = [Part(DumpChoice("qemu:///system", DOMAIN, f"/dumps/{name}"), hidden, LOCAL) for name in "abc"]
    assert sum("cannot look" in text for _, text in dump_plan.notes(parts, [])) == 1


@pytest.mark.parametrize("kind", ["loop", "long name", "file as folder"])
def test_real_errors(kind: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    path = {"loop": "loop/dump", "long name": "x" * 300, "file as folder": "file/dump"}[kind]
    found = look_at(str(tmp_path / path))
    assert found.hidden.startswith("cannot look into ")
    assert found == Place(hidden=found.hidden)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_of_others_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(0o600)
    found = look_at(f"{tmp_path}/folder/dump")
    assert found == Place(hidden=f"cannot look into {tmp_path}/folder (Permission denied)")


def test_what_does_not_exist_is_said_not_to(tmp_path: Path) -> None:
    assert look_at(f"{tmp_path}/none/dump") == Place(exists=False, folder=False)
    missing = look_at(f"{tmp_path}/dump")
    assert replace(missing, free=None) == Place(exists=False, folder=True)
    assert missing.free is not None


def test_a_name_that_no_file_can_have_is_unknown() -> None:
    assert look_at("/\0") == Place()
    assert look_at("/\ud800/dump") == Place()


def test_the_free_space_is_that_behind_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "dump").touch()
    (tmp_path / "link").symlink_to("there/dump")
    (tmp_path / "dangling").symlink_to("none/dump")
    monkeypatch.setattr(place, "_free", lambda folder: len(os.listdir(folder)) * 1000)
    link = look_at(f"{tmp_path}/link")
    assert (link.kind, link.free, link.link_target) == (Kind.LINK, 1000, f"{tmp_path}/there/dump")
    assert look_at(f"{tmp_path}/dangling").free is None


def test_what_is_no_file_has_no_free_space(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    fifo = look_at(f"{tmp_path}/fifo")
    assert (fifo.kind, fifo.free) == (Kind.OTHER, None)
    assert (look_at("/dev/null").kind, look_at("/dev/null").free) == (Kind.OTHER, None)


def test_a_block_device_has_its_own_size_and_always_something_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Place(True, True, 1 << 20, Kind.BLOCK_DEVICE)
    objection = objections.to_place(device, overwrite=False)
    assert str(objection) == "the file is a block device, and even a failed dump would destroy what is on it"
    assert objections.to_place(device, overwrite=True) is None


async def test_a_file_system_that_does_not_answer_hides_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr(place, "DEADLINE", 0.01)
    monkeypatch.setattr(place, "look_at", lambda path: answer.wait() and Place())
    try:
        found = await asyncio.wait_for(look("/dead/dump"), 10)
    finally:
        answer.set()
    assert found == Place(hidden="cannot look into /dead (it does not answer)")
