"""Numbers of a newer libvirt, for which there is no name, and what states mean."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import asdict

import pytest

from backend.dump_request import DumpFormat
from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation, OpenEnum

UNNAMED = [JobOperation(11), JobType(77), DomainState(8), DumpFormat(99)]
NAMED = [JobOperation.DUMP, JobType.FAILED, DomainState.PAUSED, DumpFormat.WIN_DMP]


def pickled(member: OpenEnum) -> OpenEnum:
    return pickle.loads(pickle.dumps(member))  # type: ignore[no-any-return]


@pytest.mark.parametrize("member", [*UNNAMED, *NAMED], ids=repr)
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled], ids=["copy", "deepcopy", "pickle"])
def test_a_copy_equals_its_original(member: OpenEnum, duplicate: Callable[[OpenEnum], OpenEnum]) -> None:
    twin = duplicate(member)
    assert (twin, type(twin), twin.known) == (member, type(member), member.known)
    assert hash(twin) == hash(member)
    assert (str(twin), repr(twin)) == (str(member), repr(member))


@pytest.mark.parametrize("member", UNNAMED, ids=repr)
def test_a_number_without_a_name_equals_itself_and_no_other(member: OpenEnum) -> None:
    assert type(member)(int(member)) == member == int(member)
    assert not member.known
    assert all(member != named for named in type(member))


@pytest.mark.parametrize("member", NAMED, ids=repr)
def test_copies_of_named_members_are_the_members(member: OpenEnum) -> None:
    assert copy.deepcopy(member) is member
    assert pickle.loads(pickle.dumps(member)) is member


def test_stats_of_an_operation_without_a_name_become_plain_values() -> None:
    stats = JobStats.from_params(77, {"operation": 11, "time_elapsed": 5})
    assert asdict(stats)["operation"] == 11
    assert stats.operation.label == "operation 11"


@pytest.mark.parametrize(
    ("state", "reason", "faulty", "paused_by"),
    [
        (DomainState.PAUSED, "I/O error", True, ""),
        (DomainState.PAUSED, "watchdog", True, ""),
        (DomainState.PAUSED, "post-copy failed", True, ""),
        (DomainState.RUNNING, "post-copy failed", True, ""),
        (DomainState.CRASHED, "panicked", True, ""),
        (DomainState.SHUTOFF, "crashed", True, ""),
        (DomainState.RUNNING, "crashed", False, ""),
        (DomainState.PAUSED, "user", False, ""),
        (DomainState.SHUTOFF, "destroyed", False, ""),
        (DomainState.PAUSED, "saving", False, "save"),
        (DomainState.RUNNING, "dumping", False, ""),
    ],
)
def test_what_is_a_fault_and_what_a_job_did(state: DomainState, reason: str, faulty: bool, paused_by: str) -> None:
    domain = Domain(DomainKey("uuid", 1, "vm"), state, reason)
    assert (domain.faulty, domain.paused_by) == (faulty, paused_by)
