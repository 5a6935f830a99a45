"""What was done through a console: each thing once, with its result, and not for ever."""

from __future__ import annotations

from pathlib import Path

from tests.simulator_hold import Hold
from tests.unit.session.observer import session
from tests.unit.session.test_session import SLOW, A, request, row
from tui.session.activity_log import Tone
from tui.session.deeds import ACCEPTED, MOST, Deeds
from tui.words.equivalents import NONE, Equivalent


def test_the_newest_comes_first_and_has_its_result_later() -> None:
    changes: list[None] = []
    deeds = Deeds(lambda: changes.append(None), lambda: 7.0)
    first = deeds.add("vm-01", "abort", Equivalent("virt-jobs abort vm-01"))
    deeds.add("vm-02", "resume", NONE)
    deeds.conclude(first, ACCEPTED)
    assert [(deed.at, deed.subject, deed.result) for deed in deeds] == [(7.0, "vm-02", ""), (7.0, "vm-01", ACCEPTED)]
    assert len(changes) == 3
    deeds.conclude(first, ACCEPTED)
    assert len(changes) == 3, "nothing changed"


def test_only_so_many_are_kept() -> None:
    deeds = Deeds()
    first = deeds.add("vm", "first", NONE)
    for number in range(MOST):
        deeds.add("vm", str(number), NONE)
    deeds.conclude(first, "too late")
    assert len(deeds) == MOST
    assert "first" not in {deed.what for deed in deeds}


async def test_a_dump_is_followed_to_its_end_and_an_abort_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "core"
    async with session(SLOW) as (running, observer), Hold(SLOW, path):
        host = running.hosts[SLOW]
        asked = request(running, "vm-01", path)
        running.start_dump(host, asked, False)
        await observer.until(lambda: row(running, "vm-01").progress is not None)
        [dump] = running.deeds
        assert (dump.subject, dump.what, dump.tone) == ("vm-01", f"dump → {path}", Tone.QUIET)
        assert dump.commands.virt_jobs == f"virt-jobs -c '{SLOW}' dump vm-01 {path} --format raw"
        running.actions.abort(host, asked.domain)
        await observer.until(lambda: [deed.result for deed in running.deeds] == [ACCEPTED, "cancelled"])


async def test_a_dump_on_a_host_that_is_dropped_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "core"
    async with session(SLOW) as (running, observer), Hold(SLOW, path):
        host = running.hosts[SLOW]
        running.start_dump(host, request(running, "vm-01", path), False)
        await observer.until(lambda: row(running, "vm-01").progress is not None)
        running.drop_host(host)
        assert [deed.result for deed in running.deeds] == ["", "not followed: its host was dropped"]


async def test_what_is_refused_says_why(tmp_path: Path) -> None:
    async with session(A) as (running, observer):
        host = running.hosts[A]
        running.actions.abort(host, row(running, "vm-01").domain.key)
        running.start_dump(host, request(running, "vm-02", tmp_path / "no such folder" / "core"), False)
        await observer.until(lambda: all(deed.tone is Tone.ERROR for deed in running.deeds))
        dump, abort = running.deeds
        assert abort.result.startswith("failed: ")
        assert "core" in dump.result


async def test_hosts_that_come_and_go_are_deeds() -> None:
    async with session() as (running, _):
        [host] = running.add_host(A)
        running.drop_host(host)
        assert [(deed.what, deed.commands.virt_jobs) for deed in running.deeds] == [
            ("host dropped", ""),
            ("host added", f"virt-jobs -c '{A}'"),
        ]
