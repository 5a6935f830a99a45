"""A domain that does not answer, as commands tell of it: named, with what was known of it last, and the exit code 7."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.model import DomainKey
from backend.observing.memory import Memory
from backend.observing.witness import watch_and_witness
from backend.records.history import History
from backend.records.record import JobRecord
from backend.running.start import start_dump
from backend.simulator import SimulatorBackend
from tests.cli.command import virt_jobs
from tests.contract.steps import eventually
from tests.simulator_hold import Hold, hanging
from tests.tui.console import ended
from tui.cli.root import cli

URI = "sim:///silent?domains=3&jobs=0&memory=64"
OTHER = "sim:///well?domains=1&jobs=0&memory=16"
REFUSED = (
    "info {}",
    "info {} --disk vda",
    "info {} --completed",
    "dump {} core",
    "dump {} --wait",
    "wait {}",
    "wait {} --operation any",
    "wait {} --disk vda",
    "wait {} --ready",
    "wait {} --last",
    "abort {}",
    "abort {} --disk vda",
    "abort {} --pivot",
    "abort {} --postcopy",
    "resume {}",
    "migration {}",
    "migration {} --bandwidth 100",
    "migration {} --postcopy",
)
"""Commands that need an answer about their domain."""
UNAFFECTED = {"run", "history"}
"""Commands about a domain that do not."""


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DomainKey]:
    """One whose dump somebody saw begin, and which hangs in it."""
    monkeypatch.setattr(SimulatorBackend, "deadline", 0.1)
    with Hold(URI):
        domain = asyncio.run(_dumped("vm-02", tmp_path / "core"))
        with hanging(URI, domain):
            yield domain


async def _dumped(name: str, path: Path) -> DomainKey:
    """The domain of that name, once its dump has begun and is remembered."""
    async with SimulatorBackend(URI) as backend:
        domain = (await backend.find(name)).key
        memory = Memory(History(), "console")
        watching = asyncio.create_task(watch_and_witness(backend, memory))
        await backend.begin_dump(DumpRequest(domain, str(path)))

        async def remembered() -> bool:
            return bool(History().open())

        await eventually(remembered)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        memory.close()
        return domain


async def _requested(name: str, path: Path) -> JobRecord:
    """The record of a dump of this user's."""
    async with SimulatorBackend(URI) as backend:
        return await start_dump(backend, DumpRequest((await backend.find(name)).key, str(path)))


def run(*arguments: str) -> tuple[int, str, str]:
    ended = virt_jobs(*arguments)
    return ended.returncode, ended.stdout, ended.stderr


def test_list_names_it_and_exits_with_7(silent: DomainKey) -> None:
    code, out, errors = run("-c", URI, "list")
    assert code == 7
    [line] = [line for line in out.splitlines() if silent.name in line]
    assert "not answering" in line and "dump (last known)" in line and "paused" not in line
    assert f"{silent.name}: not answering" in errors and "dump since" in errors
    assert len(errors.splitlines()) == 1


def test_in_json_no_key_looks_like_an_answer(silent: DomainKey) -> None:
    code, out, _ = run("-c", URI, "-r", "list", "--json")
    assert code == 7
    domains = {domain["name"]: domain for domain in map(json.loads, out.splitlines())}
    told = domains.pop(silent.name)
    assert (told["state"], told["reason"], told["answering"]) == ("not answering", "", False)
    assert (told["job"], told["block_jobs"]) == (None, [])
    last = told["last_known"]
    assert (last["state"], last["reason"]) == ("paused", "dumping")
    [job] = last["jobs"]
    assert (job["operation"], job["disk"], job["ended"]) == ("dump", None, None)
    assert job["began"] > 0
    assert all(domain["answering"] and "last_known" not in domain for domain in domains.values())


def test_info_says_the_same_in_json(silent: DomainKey) -> None:
    code, out, errors = run("-c", URI, "info", "--json", silent.name)
    assert code == 7 and json.loads(out)["last_known"]["jobs"] and "last known: paused (dumping), dump since" in errors


@pytest.mark.parametrize("command", REFUSED)
def test_a_command_that_is_refused_for_that_says_the_same(silent: DomainKey, command: str) -> None:
    code, out, errors = run("-c", URI, *command.format(silent.name).split())
    assert (code, out) == (7, "")
    [line] = errors.splitlines()
    assert f"{silent.name}: not answering" in line and "last known: paused (dumping), dump since" in line


@pytest.mark.parametrize("options", ["", "--operation any", "--disk vda"])
def test_a_wait_whose_time_is_up_says_that_the_domain_did_not_answer(
    silent: DomainKey, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    monkeypatch.setattr(SimulatorBackend, "deadline", 60.0)
    code, out, errors = run("-c", URI, "wait", silent.name, *options.split(), "--timeout", "0.2")
    assert (code, out) == (124, "")
    said = "timed out after 0.2 s; the domain did not answer: nothing is known of its job yet"
    assert errors == f"virt-jobs: {silent.name}: {said}\n"


def test_no_command_about_a_domain_is_left_out() -> None:
    about_domains = {
        name for name, command in cli.commands.items() if {"domain", "domains"} & {each.name for each in command.params}
    }
    assert about_domains == {command.split()[0] for command in REFUSED} | UNAFFECTED


def test_the_file_of_the_last_known_job_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatorBackend, "deadline", 0.1)
    path = tmp_path / "core"
    with Hold(URI):
        record = asyncio.run(_requested("vm-02", path))
        with hanging(URI, record.key):
            code, _, errors = run("-c", URI, "abort", "vm-02")
            assert code == 7 and "dump since" in errors and errors.endswith(f"by {record.user} -> {path}\n")
            _, out, _ = run("-c", URI, "info", "--json", "vm-02")
            assert [job["path"] for job in json.loads(out)["last_known"]["jobs"]] == [str(path)]
    asyncio.run(ended(record))


def test_a_wait_for_all_jobs_does_not_say_that_there_are_none(silent: DomainKey) -> None:
    code, _, errors = run("-c", URI, "wait")
    assert code == 7
    assert f"{silent.name}: not answering" in errors and "as far as its domains answer" in errors


def test_the_last_job_is_not_told_in_place_of_the_one_that_may_run(silent: DomainKey) -> None:
    code, out, errors = run("-c", URI, "wait", "--last", silent.name)
    assert (code, out) == (7, "") and "not answering" in errors


def test_doctor_needs_attention(silent: DomainKey) -> None:
    code, out, _ = run("-c", URI, "doctor", "--json")
    findings = [json.loads(line) for line in out.splitlines()]
    [finding] = [finding for finding in findings if finding["subject"] == "not answering"]
    assert (code, finding["mark"], finding["uri"]) == (1, "attention", URI)
    assert silent.name in finding["text"] and "dump since" in finding["text"]
    assert not any(finding["subject"] == "left paused" for finding in findings)


def test_of_several_hosts_the_others_are_listed(silent: DomainKey) -> None:
    code, out, errors = run("-c", OTHER, "-c", URI, "list", "--json")
    assert code == 7 and "sim:///silent" in errors
    assert {json.loads(line)["uri"] for line in out.splitlines()} == {OTHER, URI}


def test_once_it_answers_nothing_is_left_of_that(silent: DomainKey) -> None:
    with hanging(URI, silent):
        pass  # It answers from here on.
    code, out, errors = run("-c", URI, "list", "--json")
    assert (code, errors) == (0, "")
    [told] = [domain for domain in map(json.loads, out.splitlines()) if domain["name"] == silent.name]
    assert (told["state"], told["reason"], told["job"]["operation"]) == ("paused", "dumping", "dump")
