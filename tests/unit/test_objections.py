"""The reasons against a dump, and against aborting one."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from backend.capabilities import Capabilities
from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import (
    BackendError,
    DomainBusy,
    DomainNotRunning,
    FileExists,
    InvalidPath,
    NoJob,
    NotPermitted,
    NotSupported,
)
from backend.job_stats import JobStats, JobType, Postcopy
from backend.model import BlockOperation, DomainKey, JobOperation
from backend.running import objections
from backend.running.place import Kind, Place, look_at

KEY = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01")
ABLE = Capabilities("QEMU", local=True, formats={"win-dmp": "not built"}, flags={DumpFlags.LIVE: "refused"})
REQUEST = DumpRequest(KEY, "/dumps/db-01")


def test_nothing_speaks_against_a_plain_dump() -> None:
    assert objections.to_dump(ABLE, REQUEST) is None
    assert objections.to_domain(KEY, None) is None
    assert objections.to_place(Place(exists=False, folder=True), overwrite=False) is None


@pytest.mark.parametrize(
    ("capabilities", "request_", "kind", "words"),
    [
        (replace(ABLE, dump="read-only"), REQUEST, NotPermitted, "read-only"),
        (ABLE, replace(REQUEST, format=DumpFormat.WIN_DMP), NotSupported, "win-dmp: not built"),
        (ABLE, replace(REQUEST, flags=DumpFlags.LIVE), NotSupported, "live: refused"),
        (ABLE, replace(REQUEST, flags=DumpFlags.CRASH | DumpFlags.RESET), NotSupported, "mutually exclusive"),
        (ABLE, replace(REQUEST, path="core"), InvalidPath, "core is not the absolute path of a file"),
        (ABLE, replace(REQUEST, path=""), InvalidPath, "an empty path is not the absolute path of a file"),
        (ABLE, replace(REQUEST, path="/dumps/"), InvalidPath, "is not the absolute path of a file"),
        (ABLE, replace(REQUEST, path="/a\nb"), InvalidPath, "has control characters"),
        (ABLE, replace(REQUEST, path="/\ud800"), InvalidPath, "is not valid UTF-8"),
        (ABLE, replace(REQUEST, path="/" + "ü" * 2048), InvalidPath, "is too long: 4097 bytes"),
    ],
)
def test_what_a_connection_cannot_dump(
    capabilities: Capabilities, request_: DumpRequest, kind: type[BackendError], words: str
) -> None:
    objection = objections.to_dump(capabilities, request_)
    assert type(objection) is kind
    assert words in str(objection)


def test_a_domain_must_run_and_have_no_job() -> None:
    assert isinstance(objections.to_domain(replace(KEY, id=None), None), DomainNotRunning)
    busy = objections.to_domain(KEY, JobOperation.MIGRATION_OUT)
    assert isinstance(busy, DomainBusy)
    assert str(busy) == "db-01 has a job already (migration out)"


def test_flags_that_exclude_each_other() -> None:
    assert objections.to_flag_beside(DumpFlags.RESET, DumpFlags.CRASH) is not None
    assert objections.to_flag_beside(DumpFlags.CRASH, DumpFlags.CRASH) is None
    assert objections.to_flag_beside(DumpFlags.BYPASS_CACHE, DumpFlags.CRASH) is None


@pytest.mark.parametrize(
    ("place", "objection", "if_overwritten"),
    [
        (Place(), None, None),
        (Place(exists=True, kind=Kind.FILE), FileExists, None),
        (Place(exists=True, kind=Kind.LINK, link_target="/x"), FileExists, None),
        (Place(exists=True, kind=Kind.OTHER), FileExists, None),
        (Place(exists=True, kind=Kind.FOLDER), InvalidPath, InvalidPath),
    ],
)
def test_what_is_in_the_way(
    place: Place, objection: type[BackendError] | None, if_overwritten: type[BackendError] | None
) -> None:
    for overwrite, kind in ((False, objection), (True, if_overwritten)):
        error = objections.to_place(place, overwrite)
        assert (type(error) if error is not None else None) is kind


def test_several_domains_must_not_be_dumped_to_one_file() -> None:
    assert objections.to_shared_file([("a", "/x"), ("b", "/x"), ("a", "/y")]) is None
    assert "/x" in str(objections.to_shared_file([("a", "/x"), ("b", "/x"), ("a", "/x")]))


MEMORY_ONLY = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, memory_total=10)
STREAM = replace(MEMORY_ONLY, data_total=10)


@pytest.mark.parametrize(
    ("stats", "request_", "kind"),
    [
        (None, None, NoJob),
        (MEMORY_ONLY, None, NotSupported),
        (STREAM, None, None),
        (STREAM, REQUEST, NotSupported),
        (MEMORY_ONLY, replace(REQUEST, flags=DumpFlags.NONE), None),
        (JobStats(JobType.UNBOUNDED, JobOperation.DUMP), None, None),
        (replace(MEMORY_ONLY, operation=JobOperation.SAVE), None, None),
    ],
)
def test_which_jobs_cannot_be_aborted(
    stats: JobStats | None, request_: DumpRequest | None, kind: type[BackendError] | None
) -> None:
    objection = objections.to_abort(KEY, ABLE, stats, request_)
    assert (type(objection) if objection is not None else None) is kind


MIGRATION = JobStats(JobType.UNBOUNDED, JobOperation.MIGRATION_OUT, memory_total=100, memory_remaining=50)


def test_a_post_copy_that_failed_cannot_be_aborted_and_one_that_goes_on_can() -> None:
    def objection(postcopy: Postcopy | None) -> BackendError | None:
        return objections.to_abort(KEY, ABLE, replace(MIGRATION, postcopy=postcopy), None)

    assert objection(None) is objection(Postcopy.ACTIVE) is None
    assert isinstance(objection(Postcopy.FAILED), NotSupported)


@pytest.mark.parametrize(
    ("stats", "readonly", "kind"),
    [
        (MIGRATION, False, None),
        (MIGRATION, True, NotPermitted),
        (replace(MIGRATION, postcopy=Postcopy.ACTIVE), False, NotSupported),
        (replace(MIGRATION, postcopy=Postcopy.FAILED), False, NotSupported),
        (replace(MIGRATION, operation=JobOperation.MIGRATION_IN), False, NoJob),
        (None, True, NoJob),
    ],
)
def test_which_migrations_can_be_helped(
    stats: JobStats | None, readonly: bool, kind: type[BackendError] | None
) -> None:
    able = replace(ABLE, migration="read-only" if readonly else None)
    objection = objections.to_helping_migration(KEY, able, stats)
    assert (type(objection) if objection is not None else None) is kind


def test_a_connection_that_may_not_abort() -> None:
    refused = objections.to_abort(KEY, replace(ABLE, abort="read-only"), STREAM, None)
    assert isinstance(refused, NotPermitted)


@pytest.mark.parametrize(
    ("stats", "kind"),
    [
        (None, NoJob),
        (STREAM, NoJob),
        (JobStats.of_block_job("vda", BlockOperation.PULL, 1, 2), NotSupported),
        (JobStats.of_block_job("vda", BlockOperation.COMMIT, 1, 2), NotSupported),
        (JobStats.of_block_job("vda", BlockOperation.COPY, 2, 2), NotSupported),
        (JobStats.of_block_job("vda", BlockOperation.COPY, 2, 2, ready=True), None),
        (JobStats.of_block_job("vda", BlockOperation.ACTIVE_COMMIT, 2, 2, ready=True), None),
    ],
)
def test_only_a_disk_whose_mirror_is_ready_can_be_pivoted(
    stats: JobStats | None, kind: type[BackendError] | None
) -> None:
    objection = objections.to_pivot(KEY, ABLE, stats)
    assert (type(objection) if objection is not None else None) is kind


def test_a_connection_that_may_not_abort_may_not_pivot() -> None:
    ready = JobStats.of_block_job("vda", BlockOperation.COPY, 2, 2, ready=True)
    assert isinstance(objections.to_pivot(KEY, replace(ABLE, abort="read-only"), ready), NotPermitted)


def test_a_look_at_a_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/nonexistent/elsewhere")
    (tmp_path / "link to folder").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    kinds = {"file": Kind.FILE, "folder": Kind.FOLDER, "link": Kind.LINK, "link to folder": Kind.FOLDER,
             "fifo": Kind.OTHER}  # fmt: skip
    assert {name: look_at(str(tmp_path / name)).kind for name in kinds} == kinds
    assert look_at(str(tmp_path / "link")).link_target == "/nonexistent/elsewhere"
    nothing = look_at(str(tmp_path / "nothing"))
    assert (nothing.exists, nothing.folder, bool(nothing.free)) == (False, True, True)
    assert look_at(str(tmp_path / "no" / "such")) == Place(exists=False, folder=False)
    assert look_at(str(tmp_path / ("n" * 300))).exists is None
