"""What each command prints with --json is valid by docs/schema.json, and has no key that is not in there."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from backend.model import BlockOperation, DiskKey
from backend.simulator import SimulatorBackend
from tests.cli.command import virt_jobs
from tests.contract.steps import PATIENCE
from tests.simulator_hold import Hold

pytestmark = pytest.mark.process

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "schema.json").read_text())
JSON_PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
DEMO = "sim:///demo"
QUICK = "sim:///quick?domains=2&jobs=0&memory=1"
HELD = "sim:///held?domains=2&jobs=0&memory=64"
LINES = [reference["$ref"].rpartition("/")[2] for reference in SCHEMA["anyOf"]]


def strict(schema: Any) -> Any:
    """The schema without room for keys that it does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: strict(part) for key, part in schema.items()}
    return {"additionalProperties": False} | parts if isinstance(schema.get("properties"), dict) else parts


def validator(kind: str) -> Validator:
    schema = {key: value for key, value in strict(copy.deepcopy(SCHEMA)).items() if key != "anyOf"}
    return Draft202012Validator(schema | {"$ref": f"#/$defs/{kind}"})


VALIDATORS = {kind: validator(kind) for kind in LINES}


def kinds(text: str) -> set[str]:
    """The names of the objects on these lines; each line has to be one of those in the schema."""
    found = set()
    for line in text.splitlines():
        value = json.loads(line)
        fitting = {kind for kind, check in VALIDATORS.items() if check.is_valid(value)}
        if not fitting:
            best = min(VALIDATORS.values(), key=lambda check: sum(1 for _ in check.iter_errors(value)))
            pytest.fail(f"{line}\n" + "\n".join(error.message for error in best.iter_errors(value)))
        found |= fitting
    return found


def printed(*arguments: str, code: int = 0) -> str:
    command = 2 if arguments[0] == "-c" else 0
    ended = virt_jobs(*arguments[: command + 1], "--json", *arguments[command + 1 :])
    assert ended.returncode == code, ended.stderr
    assert ended.stdout, ended
    return ended.stdout


def dumped(tmp_path: Path) -> str:
    return printed("-c", QUICK, "dump", "vm-01", str(tmp_path / "core"))


def detached(tmp_path: Path) -> str:
    with Hold(HELD):
        started = printed("-c", HELD, "dump", "vm-01", str(tmp_path / "core"), "--detach")
        following = printed("-c", HELD, "wait", "vm-01", "--timeout", "2", code=124)
    return started + following + printed("-c", HELD, "wait", "vm-01", "--last")


def ran(tmp_path: Path) -> str:
    return printed("-c", QUICK, "run", "vm-01", "--", "sh", "-c", "echo hi; exit 3", code=1)


def ready(tmp_path: Path) -> str:
    async def begin() -> None:
        async with SimulatorBackend(QUICK) as backend:
            disk = DiskKey((await backend.domains())[0].key, "vda")
            await backend.begin_block_job(disk, BlockOperation.COPY, 0.1, str(tmp_path / "copy"))

    asyncio.run(begin())
    return printed("-c", QUICK, "wait", "vm-01", "--ready")


def remembered(tmp_path: Path) -> str:
    dumped(tmp_path)
    ran(tmp_path)
    return printed("history")


def watched(tmp_path: Path) -> str:
    """The beginnings of a watch, told to end once it has printed the end of a dump."""
    dumped(tmp_path)
    command = [sys.executable, "-m", "tui", "-c", QUICK, "watch", "--since", "1h", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert [json.loads(line)["event"] for line in lines] == ["began", "ended"]
    return "".join(lines)


def inspected(tmp_path: Path) -> str:
    dumped(tmp_path)
    return printed("inspect", str(tmp_path / "core"))


def examined(tmp_path: Path) -> str:
    return virt_jobs("-c", QUICK, "doctor", "--json").stdout


SCENES: dict[str, tuple[Callable[[Path], str], set[str]]] = {
    "list": (lambda _: printed("-c", DEMO, "list"), {"list"}),
    "info": (lambda _: printed("-c", DEMO, "info", "nas-01") + printed("-c", DEMO, "info", "db-02"), {"list"}),
    "info --disk": (lambda _: printed("-c", DEMO, "info", "git-01", "--disk", "vda"), {"list"}),
    "dump": (dumped, {"outcome"}),
    "dump --detach": (detached, {"started_dump", "progress", "outcome"}),
    "run": (ran, {"output", "result"}),
    "run --detach": (lambda _: printed("-c", QUICK, "run", "vm-01", "--detach", "--", "true"), {"started_run"}),
    "wait --ready": (ready, {"ready"}),
    "wait --next": (lambda _: printed("-c", QUICK, "wait", "--next", "--timeout", "1", code=124), {"waiting"}),
    "migration": (lambda _: printed("-c", DEMO, "migration", "batch-01"), {"migration"}),
    "history": (remembered, {"history", "history_run"}),
    "watch": (watched, {"watch"}),
    "inspect": (inspected, {"inspect"}),
    "doctor": (examined, {"doctor"}),
    "config": (lambda _: printed("config"), {"config"}),
}


@pytest.mark.parametrize("name", SCENES)
def test_what_a_command_prints_is_valid(name: str, tmp_path: Path) -> None:
    scene, expected = SCENES[name]
    found = kinds(scene(tmp_path))
    assert expected <= found <= expected | {"progress"}


def test_every_object_of_the_schema_is_printed_by_a_command() -> None:
    assert set().union(*(expected for _, expected in SCENES.values())) == set(LINES)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_key_that_is_not_in_the_schema_would_be_seen() -> None:
    outcome = json.loads(printed("config")) | {"event": "outcome"}
    assert not VALIDATORS["outcome"].is_valid(outcome)
    assert not VALIDATORS["inspect"].is_valid({"v": 1, "path": "/x", "new": 1})


def test_every_key_of_the_schema_is_on_the_page() -> None:
    names = set(re.findall(r"`([^`\n]+)`", JSON_PAGE))
    keys = {key for part in SCHEMA["$defs"].values() for key in part.get("properties", {})}
    settings = {*SCHEMA["$defs"]["config"]["properties"]} - {"v", "path", "exists"}
    assert keys - settings - names == set()


def test_times_are_in_utc_and_durations_in_milliseconds(tmp_path: Path) -> None:
    *_, outcome = map(json.loads, dumped(tmp_path).splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", outcome["start"])
    assert outcome["start"] <= outcome["end"]
    assert outcome["bytes"] == (tmp_path / "core").stat().st_size
    assert outcome["v"] == 1
