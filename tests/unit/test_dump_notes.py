"""What the dump form says of a dump: what is refused, what to beware of, and what will happen, in this order."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from backend.capabilities import Capabilities
from backend.dump_request import DumpFlags
from backend.job_stats import JobStats
from backend.model import BlockOperation, Domain, DomainKey, DomainState
from backend.running.place import Kind, Place, look_at
from tui.dumping import choice as dump_choice
from tui.dumping import ending
from tui.dumping import plan as dump_plan
from tui.dumping.choice import DumpChoice, Note
from tui.dumping.plan import Part

GIB = 1 << 30
DOMAIN = Domain(DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01"), DomainState.RUNNING, memory=GIB)
CHOICE = DumpChoice("qemu:///system", DOMAIN, "/dumps/db-01")
SYSTEM = Capabilities("QEMU", local=True, formats={}, flags={})
SESSION = replace(SYSTEM, own_rights=True)
REMOTE = replace(SYSTEM, local=False)
FREE = Place(exists=False, folder=True, free=4 * GIB)


def notes(place: Place | None, capabilities: Capabilities = SYSTEM, choice: DumpChoice = CHOICE) -> list[Note]:
    return dump_choice.notes(choice, place, capabilities)


def words(found: list[Note], level: str) -> str:
    return "\n".join(text for mark, text in found if mark == level)


@pytest.mark.parametrize(
    ("place", "capabilities", "reason"),
    [
        (Place(exists=False, folder=False), SYSTEM, "the folder does not exist"),
        (Place(True, True, GIB, Kind.FOLDER), SYSTEM, "the file is a folder"),
        (replace(FREE, readonly=True), SYSTEM, "the folder is on a file system that is mounted read-only"),
        (replace(FREE, forbidden=True), SESSION, "the folder is not writable for this user"),
        (Place(True, True, GIB, Kind.FILE), SYSTEM, "the file exists, and even a failed dump would destroy it"),
    ],
)
def test_what_is_refused_is_said_first_and_refuses_the_start(
    place: Place, capabilities: Capabilities, reason: str
) -> None:
    found = notes(place, capabilities)
    assert found[0][0] == "bad"
    assert reason in found[0][1]
    assert dump_choice.objection(CHOICE, place, capabilities) == found[0][1]


@pytest.mark.parametrize(
    ("place", "capabilities"),
    [
        (FREE, SYSTEM),
        (replace(FREE, free=1), SYSTEM),
        (replace(FREE, forbidden=True), SYSTEM),
        (Place(hidden="cannot look into /dumps (it does not answer)"), SESSION),
        (Place(), REMOTE),
        (None, SYSTEM),
    ],
)
def test_what_is_not_refused_has_no_cross(place: Place | None, capabilities: Capabilities) -> None:
    found = notes(place, capabilities)
    assert "bad" not in {mark for mark, _ in found}
    assert dump_choice.objection(CHOICE, place or Place(), capabilities) is None


def test_warnings_come_before_what_else_will_happen() -> None:
    marks = [mark for mark, _ in notes(FREE)]
    assert marks == sorted(marks, key=("bad", "warn", "ok").index)
    assert {*marks} == {"warn", "ok"}


def test_too_little_space_is_a_warning() -> None:
    assert "only 1 B is free" in words(notes(replace(FREE, free=1)), "warn")
    assert "4.0 GiB free" in words(notes(FREE), "ok")


def test_a_file_that_is_replaced_gives_its_space_back() -> None:
    old = Place(True, True, GIB // 2, Kind.FILE, occupied=GIB)
    over = replace(CHOICE, overwrite=True)
    assert "1.5 GiB free" in words(notes(old, choice=over), "ok")
    assert "will be replaced" in words(notes(old, choice=over), "warn")


def test_of_a_remote_host_nothing_can_be_told_and_that_is_said() -> None:
    assert "remote host: cannot check its folder" in words(notes(Place(), REMOTE), "warn")
    assert "free space unknown (remote host)" in words(notes(Place(), REMOTE), "ok")


def test_while_the_folder_is_looked_at_nothing_is_claimed() -> None:
    found = notes(None)
    assert "looking at its folder" in words(found, "ok")
    assert "free" not in words(found, "ok")
    assert "replaced" not in words(found, "warn")


def test_where_nothing_can_be_written_nothing_else_is_said_of_the_place() -> None:
    hidden = Place(hidden="cannot look into /dumps (Permission denied)", forbidden=True)
    said = "\n".join(text for _, text in notes(hidden, SESSION))
    assert "the folder is not writable for this user" in said
    assert "libvirt may still" not in said
    assert "replaced" not in said
    assert "libvirt may still" in words(notes(hidden, SYSTEM), "warn")


def test_a_path_that_cannot_be_has_one_reason() -> None:
    found = notes(Place(exists=False, folder=False), choice=replace(CHOICE, path=""))
    assert [mark for mark, _ in found].count("bad") == 1


def test_a_raw_dump_beside_the_job_of_a_disk_is_refused_as_at_the_start() -> None:
    copy = JobStats.of_block_job("vda", BlockOperation.COPY, 1, 2)
    raw = replace(CHOICE, format="raw", disk_jobs=(copy,))
    assert "prevents a raw dump" in words(notes(FREE, choice=raw), "bad")
    assert "bad" not in {mark for mark, _ in notes(FREE, choice=replace(raw, format="elf"))}


@pytest.mark.parametrize("state", [DomainState.RUNNING, DomainState.PAUSED])
@pytest.mark.parametrize(("flag", "end"), [(DumpFlags.CRASH, "ended as crashed"), (DumpFlags.RESET, "reset")])
def test_what_becomes_of_the_guest_is_a_warning(state: DomainState, flag: DumpFlags, end: str) -> None:
    choice = replace(CHOICE, domain=replace(DOMAIN, state=state), flags=flag)
    assert end in words(notes(FREE, choice=choice), "warn")
    assert (question := ending.question([choice])) is not None
    assert f"db-01 is {end} once its dump is written" in question.text
    assert "lost" in question.text


def test_a_guest_that_goes_on_needs_no_question() -> None:
    assert ending.question([CHOICE]) is ending.question([]) is None


def test_the_question_about_several_names_them_all() -> None:
    several = [replace(CHOICE, flags=DumpFlags.RESET, domain=_named(f"vm-{number:02}")) for number in range(12)]
    question = ending.question(several)
    assert question is not None
    assert all(choice.domain.name in question.text for choice in several)


def _named(name: str) -> Domain:
    return replace(DOMAIN, key=replace(DOMAIN.key, name=name))


def _parts(*places: Place | None, overwrite: bool = False) -> list[Part]:
    paths = [f"/dumps/{number}/core" for number in range(len(places))]
    choices = [replace(CHOICE, path=path, overwrite=overwrite) for path in paths]
    return [Part(choice, place, SYSTEM) for choice, place in zip(choices, places, strict=True)]


def test_folders_of_one_file_system_share_its_space() -> None:
    shared = replace(FREE, free=GIB + GIB // 2, filesystem=7)
    found = dump_plan.notes(_parts(shared, shared), [])
    assert "writes up to 2.0 GiB to /dumps/0, /dumps/1, but only 1.5 GiB is free" in words(found, "warn")
    apart = dump_plan.notes(_parts(shared, replace(shared, filesystem=8)), [])
    assert "but only" not in words(apart, "warn")


def test_what_is_left_out_refuses_only_if_nothing_is_left() -> None:
    taken = Place(True, True, GIB, Kind.FILE)
    assert "skipped db-01" in words(dump_plan.notes(_parts(FREE, taken), []), "warn")
    assert "skipped db-01" in words(dump_plan.notes(_parts(taken), []), "bad")


def test_the_rights_of_this_user_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not look_at(str(tmp_path / "core")).forbidden
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert look_at(str(tmp_path / "core")).forbidden
    (tmp_path / "old").write_bytes(b"x" * 5000)
    assert look_at(str(tmp_path / "old")).forbidden


def test_a_read_only_file_system_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda path: _Readonly())
    found = look_at(str(tmp_path / "core"))
    assert (found.readonly, found.forbidden) == (True, False)


class _Readonly:
    f_bavail = f_frsize = 1
    f_flag = os.ST_RDONLY


def test_the_blocks_of_a_file_with_another_name_stay(tmp_path: Path) -> None:
    old = tmp_path / "old"
    with open(old, "wb") as file:
        file.write(b"x" * 100_000)
        file.flush()
        os.fsync(file)  # Until then, some file systems have given it no blocks.
    assert look_at(str(old)).occupied >= 100_000
    os.link(old, tmp_path / "other")
    assert look_at(str(old)).occupied == 0
