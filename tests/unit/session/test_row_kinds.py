"""Problems only, and busy only: which rows are left, as they change."""

from __future__ import annotations

from dataclasses import replace

from backend.model import DomainState
from tests.unit.session.test_rows import DUMP, change, copying, domain, names, table
from tui.session.row_kinds import Kinds, nothing, only
from tui.session.rows import Row


def crashed(row: Row) -> Row:
    return replace(row, view=replace(row.view, domain=replace(row.domain, state=DomainState.CRASHED)))


def test_a_problem_is_what_comes_first_in_the_table() -> None:
    store, order = table(domain("a", own=DUMP), crashed(domain("b")), domain("c"))
    order.show_only(Kinds(problems=True))
    assert names(store, order) == ["b"]
    change(store, order, domain("b"), crashed(domain("c")))
    assert names(store, order) == ["c"]


def test_busy_is_one_with_a_job_of_its_own_or_of_a_disk_or_with_a_dump_that_is_queued() -> None:
    queued = replace(domain("q"), pending="queued")
    store, order = table(domain("a", own=DUMP), domain("b", copying("vda")), domain("c"), queued)
    order.show_only(Kinds(busy=True))
    assert names(store, order) == ["a", "b", "b vda", "q"]
    change(store, order, domain("b"), domain("c", copying("vdb")))
    assert names(store, order) == ["a", "c", "c vdb", "q"]


def test_the_job_of_a_disk_is_hidden_with_its_domain() -> None:
    busy = domain("a", copying("vda"))
    store, order = table(busy, crashed(domain("b")))
    order.show_only(Kinds(problems=True))
    change(store, order, domain("a", copying("vda", 2)))
    assert names(store, order) == ["b"]
    assert not any(order.shows(key) for key in store if key.disk)
    change(store, order, crashed(busy))
    assert names(store, order) == ["a", "a vda", "b"]


def test_all_that_is_asked_for_has_to_hold() -> None:
    store, order = table(domain("a", own=DUMP), crashed(domain("b")), crashed(domain("c", own=DUMP)))
    order.show_only(Kinds(problems=True, busy=True))
    assert names(store, order) == ["c"]
    order.show_only(Kinds(problems=True))
    order.filter_by("b")
    assert names(store, order) == ["b"]
    order.show_only(Kinds())
    order.filter_by("")
    assert len(names(store, order)) == 3


def test_the_words_for_what_is_left_out() -> None:
    assert only(Kinds(), "") == ""
    assert only(Kinds(), "db") == "/db"
    assert only(Kinds(problems=True), "db") == "problems only  /db"
    assert only(Kinds(True, True), "") == "problems and busy only"
    assert nothing(Kinds(), "db", "esc") == "no match for /db"
    assert nothing(Kinds(busy=True), "", "esc") == "no domain has a job: esc shows all"
    assert nothing(Kinds(True, True), "db", "f4") == "no domain that matches /db has a problem and a job: f4 shows all"
