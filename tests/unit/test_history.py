"""The history: what observers saw of jobs, put together."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.errors import JournalError, JournalWarning
from backend.model import BlockOperation, DomainKey, JobOperation, Operation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records import history as histories
from backend.records.entry import EntryState, JobEntry, combined, is_same_job, with_outcome
from backend.records.history import History, HostHistory, Query
from backend.records.host import HOST_FOLDER
from backend.records.machine import this_machine
from backend.records.process import entry_state, process_start

DOMAIN = DomainKey("6d8e6f3c-27e2-4f6c-9f2e-0a5a3d7b1c11", 7, "web-01")
_ids = iter(range(10**6))


def entry(began: float = 1000.0, operation: Operation = JobOperation.SAVE, **values: Any) -> JobEntry:
    fields = {
        "id": f"{next(_ids)}",
        "uri": "qemu:///system",
        "uuid": DOMAIN.uuid,
        "domain": DOMAIN.name,
        "domain_id": DOMAIN.id,
        "operation": operation,
        "disk": None,
        "began": began,
        "exact": True,
        "observer": "root@hv1 (watch)",
        "boot": "boot",
        "began_uptime": began,
    }
    return JobEntry(**fields | values)


def ended(
    of: JobEntry, verdict: Verdict = Verdict.COMPLETED, evidence: Evidence = Evidence.LIFECYCLE, after: float = 5.0
) -> JobEntry:
    outcome = Outcome(of.key, of.operation, verdict, evidence, "As it was seen.", disk=of.disk, bytes=4096)
    return with_outcome(of, outcome, of.began + after, of.began_uptime + after)


def test_a_job_is_kept_from_its_begin_to_its_end() -> None:
    history = History()
    began = history.keep(entry())
    assert history.open() == history.jobs() == [began]
    over = history.keep(ended(began))
    assert (history.open(), history.jobs()) == ([], [over])
    assert (over.verdict, over.seconds, over.bytes) == (Verdict.COMPLETED, 5.0, 4096)
    assert over.outcome == Outcome(DOMAIN, JobOperation.SAVE, Verdict.COMPLETED, Evidence.LIFECYCLE, "As it was seen.")


def test_two_observers_of_one_job_make_one_entry_and_the_proof_counts() -> None:
    history = History()
    first = history.keep(entry(1000.0))
    second = history.keep(entry(1000.2, observer="root@hv1 (console)"))
    assert second.id == first.id
    history.keep(ended(second, Verdict.UNPROVEN, Evidence.NONE))
    history.keep(ended(first))
    history.keep(ended(second, Verdict.UNPROVEN, Evidence.NONE))
    [only] = history.jobs()
    assert (only.verdict, only.evidence) == (Verdict.COMPLETED, Evidence.LIFECYCLE)


def test_two_observers_that_see_a_job_at_the_same_time_make_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    History().jobs()
    both, look = threading.Barrier(2), histories._known

    def late(db: sqlite3.Connection, seen: JobEntry) -> JobEntry | None:
        known = look(db, seen)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)
        return known

    monkeypatch.setattr(histories, "_known", late)
    observers = [threading.Thread(target=History().keep, args=[entry(1000.0)]) for _ in range(2)]
    for observer in observers:
        observer.start()
    for observer in observers:
        observer.join()
    assert len(History().jobs()) == 1


@pytest.mark.parametrize(
    "other",
    [
        entry(1001.0),
        entry(operation=JobOperation.DUMP),
        entry(domain_id=8),
        entry(operation=BlockOperation.COPY, disk="vdb"),
    ],
    ids=["later", "another operation", "another run", "a disk"],
)
def test_different_jobs_are_not_mixed(other: JobEntry) -> None:
    one = entry(1000.0)
    assert not is_same_job(one, other)
    assert not is_same_job(other, one)


def test_jobs_without_a_known_begin_are_the_same_while_the_first_one_lasts() -> None:
    copy = entry(1000.0, BlockOperation.COPY, disk="vda", exact=False)
    later = entry(1030.0, BlockOperation.COPY, disk="vda", exact=False)
    assert is_same_job(copy, later)
    assert not is_same_job(ended(copy), later)


def test_ids_of_runs_mean_nothing_after_a_reboot_or_elsewhere() -> None:
    copy = entry(1000.0, BlockOperation.COPY, disk="vda", exact=False)
    assert not is_same_job(copy, replace(copy, boot="another", began=1030.0))
    assert not is_same_job(copy, replace(copy, uri="qemu+ssh://hv2/system", began=1030.0))


def test_a_run_of_a_domain_came_in_once() -> None:
    arriving = ended(entry(1000.0, JobOperation.MIGRATION_IN, exact=False))
    assert is_same_job(arriving, entry(1005.1, JobOperation.MIGRATION_IN, exact=False))


def test_a_job_that_goes_on_has_the_observer_that_lives() -> None:
    history = History()
    machine, pid = this_machine(), os.getpid()
    gone = entry(boot=machine.boot, pid=pid, pid_start=f"{machine.boot}:1", namespace=machine.namespace)
    assert entry_state(history.keep(gone)) is EntryState.UNSEEN
    kept = history.keep(replace(gone, id="new", pid_start=process_start(pid), observer="root@hv1 (witness)"))
    assert (kept.id, kept.observer, entry_state(kept)) == (gone.id, "root@hv1 (witness)", EntryState.RUNNING)
    assert entry_state(history.keep(ended(kept))) is EntryState.ENDED


def test_what_is_too_long_or_too_large_is_cut_and_not_lost() -> None:
    history = History()
    kept = history.keep(replace(ended(entry(domain="x" * 5000)), bytes=2**64))
    [read] = history.jobs()
    assert (read.id, len(read.domain), read.bytes) == (kept.id, 4096, 2**63 - 1)


def test_what_was_half_written_to_a_damaged_file_is_not_written_to_the_next_one() -> None:
    history = History()
    history.keep(entry())
    history.path.write_bytes(b"no database" * 1000)
    left = history.path.with_name(f"{history.path.name}-journal")
    left.write_bytes(b"the rollback journal of it")
    with pytest.warns(JournalWarning, match="was damaged"):
        assert history.jobs() == []
    assert not left.exists()


def test_a_record_tells_two_quick_dumps_apart() -> None:
    one, other = (entry(1000.0, JobOperation.DUMP, record=record) for record in "ab")
    assert not is_same_job(one, other)
    assert is_same_job(one, replace(other, record="a", began_uptime=1020.0))


def test_the_clocks_of_another_boot_are_not_compared() -> None:
    one = entry(1000.0)
    assert is_same_job(one, replace(one, boot="another", began_uptime=3.0))


def test_observers_that_disagree_prove_nothing_unless_one_knows_better() -> None:
    completed = ended(entry())
    failed = ended(entry(observer="root@hv1 (console)"), Verdict.FAILED)
    assert combined(completed, failed).verdict is Verdict.UNPROVEN
    assert "root@hv1 (console) says failed" in combined(completed, failed).detail
    result = replace(failed, evidence=Evidence.RESULT)
    assert combined(completed, result).verdict is combined(result, completed).verdict is Verdict.FAILED


def test_questions_are_answered_by_domain_time_end_and_kind() -> None:
    history = History()
    old = history.keep(ended(history.keep(entry(10.0))))
    failed = history.keep(ended(history.keep(entry(1000.0, domain="renamed")), Verdict.FAILED))
    running = history.keep(entry(20.0, JobOperation.BACKUP))
    other = history.keep(ended(history.keep(entry(1000.0, uuid="other", domain="db-01", uri="qemu:///session"))))
    assert history.jobs() == [other, running, failed, old]
    assert history.jobs(Query(name="web-01")) == [running, failed, old]
    assert history.jobs(Query(since=500.0)) == [other, running, failed]
    assert history.jobs(Query(failed=True)) == [failed]
    assert history.jobs(Query(operation=JobOperation.BACKUP)) == [running]
    assert history.jobs(Query(uris=["qemu:///session"])) == [other]
    assert history.jobs(Query(limit=1)) == [other]


def test_changes_are_told_in_their_order() -> None:
    history = History()
    _, start = history.changes(-1)
    one, two = history.keep(entry(1.0)), history.keep(entry(2.0))
    jobs, now = history.changes(start)
    assert jobs == [one, two]
    over = history.keep(ended(one))
    jobs, latest = history.changes(now)
    assert (jobs, history.changes(latest)) == ([over], ([], latest))


def test_what_is_old_goes_but_not_the_newest_and_not_what_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "KEEP_NEWEST", 2)
    monkeypatch.setattr(histories, "_PRUNE_EVERY", 1)
    history = History()
    running = history.keep(entry(5.0, JobOperation.BACKUP))
    for began in (10.0, 20.0, 30.0):
        history.keep(ended(history.keep(entry(began))))
    last = history.keep(entry(40.0))
    assert [job.began for job in history.jobs()] == [40.0, 30.0, 5.0]
    assert history.open() == [running, last]


def test_there_is_a_limit_however_new_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "KEEP_MOST", 3)
    monkeypatch.setattr(histories, "_PRUNE_EVERY", 1)
    history = History()
    for began in range(10):
        history.keep(ended(history.keep(entry(4e9 + began))))
    assert len(history.jobs()) <= 4


def test_a_damaged_row_is_left_out_with_a_warning() -> None:
    history = History()
    kept = history.keep(entry(1.0))
    history.keep(entry(2.0))
    with closing(sqlite3.connect(history.path)) as db, db:
        db.execute("UPDATE jobs SET operation = 'nonsense' WHERE began = 2.0")
    with pytest.warns(JournalWarning, match="left out what is damaged in the history: 1 jobs"):
        assert history.jobs() == [kept]


def test_a_newer_history_is_left_alone() -> None:
    history = History()
    history.keep(entry())
    with closing(sqlite3.connect(history.path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(JournalError, match=r"cannot use the history .* written by a newer virt-jobs"):
        history.jobs()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "host"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv(HOST_FOLDER, str(folder))
    return folder


def test_the_host_s_history_is_read_without_a_trace(folder: Path) -> None:
    assert HostHistory().jobs() == []
    assert list(folder.iterdir()) == []
    kept = History(folder / "history.db").keep(entry())
    os.chmod(folder / "history.db", 0o640)
    assert HostHistory().jobs() == [kept]


@pytest.mark.parametrize("place", ["history.db", "."])
def test_what_others_may_have_written_is_not_believed(folder: Path, place: str) -> None:
    History(folder / "history.db").keep(entry())
    os.chmod(folder / place, 0o777)
    with pytest.raises(JournalError, match=r"cannot use the host's history .*: others than root may have written it"):
        HostHistory().jobs()
