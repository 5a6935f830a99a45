"""What `history` says of dumps that a console has queued."""

from __future__ import annotations

import json

from backend.records.dump_queue import DumpQueue
from backend.records.journal import Journal
from tests.cli.command import virt_jobs
from tests.unit.test_dump_queue import left, queued
from tests.unit.test_journal import keep
from tests.unit.test_record import new

ALIVE = {"domain": "alive", "uri": "sim:///a", "path": "/dumps/alive"}
GONE = {"domain": "gone", "uri": "sim:///b", "path": "/dumps/gone"}


def words(*arguments: str) -> dict[str, str]:
    """Each domain with the state of its job."""
    lines = virt_jobs(*arguments, "--json").stdout.splitlines()
    return {it["domain"]: it["state"] for it in map(json.loads, lines)}


def test_they_are_listed_with_what_became_of_their_console() -> None:
    keep(Journal(), new(domain="older", started=5.0))
    DumpQueue().add([queued(**ALIVE), left(**GONE)])
    assert list(words("history").items())[:2] == [("gone", "not started"), ("alive", "queued")]
    assert words("history", "alive") == {"alive": "queued"}
    assert words("-c", "sim:///b", "history") == {"gone": "not started"}
    assert words("history", "--failed") == {"gone": "not started"}
    assert words("history", "--host", "hv3") == {"gone": "not started", "alive": "queued"}
    assert words("history", "--operation", "save") == {}


def test_the_table_has_their_paths() -> None:
    DumpQueue().add([left(**GONE)])
    [_, _, line] = virt_jobs("history").stdout.splitlines()
    assert "gone" in line
    assert "not started" in line
    assert "/dumps/gone   its console ended first; the next one asks whether to queue it again   root@hv3" in line


def test_their_json_has_the_keys_of_a_job() -> None:
    keep(Journal(), new())
    DumpQueue().add([left(**GONE)])
    one, other = map(json.loads, virt_jobs("history", "--json").stdout.splitlines())
    assert set(one) == set(other)
    assert (one["verdict"], one["format"], one["flags"]) == (None, "elf", ["memory-only"])
