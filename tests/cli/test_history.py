"""The history of dumps, with more in the journal than a screen takes."""

from __future__ import annotations

import json

import click

from backend.records.journal import Journal
from backend.records.record import RecordState
from tests.cli.command import virt_jobs
from tests.unit.test_journal import keep
from tests.unit.test_record import new
from tui.cli import completion

A, B = "sim:///a", "sim:///b"


def history(*arguments: str) -> list[tuple[str, str]]:
    ended = virt_jobs(*arguments, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    return [(it["uri"], it["domain"]) for it in map(json.loads, ended.stdout.splitlines())]


def test_a_domain_and_a_host_are_found_however_much_came_after_them() -> None:
    over = {"state": RecordState.COMPLETED, "ended": 5.0}
    others = (new(uuid="other", domain="other", uri=B, started=10.0 + number, **over) for number in range(1100))
    keep(
        Journal(),
        new(uuid="u", domain="before", uri=A, started=1.0, **over),
        new(uuid="u", domain="after", uri=B, started=2.0, **over),
        *others,
    )
    assert history("history", "before") == history("history", "after") == [(B, "after"), (A, "before")]
    assert history("history", "u") == [(B, "after"), (A, "before")]
    assert history("-c", A, "history") == [(A, "before")]
    assert history("-c", B, "history", "before") == [(B, "after")]
    assert len(history("history")) == 1000
    context = click.Context(click.Command("history"))
    assert [item.value for item in completion.recorded(context, "b")] == ["before"]
