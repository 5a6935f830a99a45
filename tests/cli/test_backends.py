"""Backends that are packages of their own, as the command finds and uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import one_line, virt_jobs_process
from tests.cli.conftest import VirtJobs
from tests.example_backend.harness import ExampleHarness
from tests.example_backend.installed import install
from tui.cli.exits import Exit

pytestmark = pytest.mark.process


async def test_a_package_of_its_own_brings_a_hypervisor(tmp_path: Path) -> None:
    async with ExampleHarness(tmp_path) as harness:
        await harness.running("we[ir]d")
        command = VirtJobs(harness.uri)
        listed = await command("list", "--json")
        assert [domain["name"] for domain in listed.objects] == ["we[ir]d"], listed
        path = tmp_path / "core"
        dumped = await command("dump", "we[ir]d", str(path), "--json")
        assert (dumped.code, dumped.objects[-1]["evidence"]) == (0, "result"), dumped
        assert harness.is_dump(path, "elf")
        assert (await command("-r", "wait", "we[ir]d", "--last")).code == 0


async def test_its_refusals_are_one_line(tmp_path: Path) -> None:
    async with ExampleHarness(tmp_path) as harness:
        await harness.running("vm")
        ended = await VirtJobs(harness.uri)("dump", "vm", str(tmp_path / "core"), "--format", "win-dmp")
        assert (ended.code, ended.err) == (1, "virt-jobs: win-dmp: the example has no Windows\n")


BROKEN = {
    "not there": ("no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "does not compile": ("broken", "SyntaxError: "),
    "fails": ("broken", "RuntimeError: not today"),
    "lacks the name": ("broken", "AttributeError: "),
    "no backend": ("broken", "broken:Thing is not a Backend"),
}
TEXTS = {
    "does not compile": "def",
    "fails": "raise RuntimeError('not\\ntoday')",
    "lacks the name": "",
    "no backend": "class Thing: pass",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_backend_is_named_with_its_package_in_one_line(how: str, tmp_path: Path) -> None:
    module, reason = BROKEN[how]
    install(tmp_path, module, "Thing")
    if how in TEXTS:
        (tmp_path / "broken.py").write_text(TEXTS[how])
    ended = virt_jobs_process("-c", "example:///x", "list", env={"PYTHONPATH": str(tmp_path)})
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.FAILED, True), ended
    assert "cannot load the backend for example:// URIs from virt-jobs-example 1.0" in ended.stderr
    assert reason.replace("\n", " ") in ended.stderr
    assert "fix or uninstall it" in ended.stderr


def test_a_broken_backend_is_in_nobody_elses_way(tmp_path: Path) -> None:
    install(tmp_path, "no_such_module")
    assert virt_jobs_process("-c", "sim:///x?domains=1", "list", env={"PYTHONPATH": str(tmp_path)}).returncode == 0


def test_its_daemon_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    install(tmp_path)
    ended = virt_jobs_process("-c", "example:///nonexistent", "list", env={"PYTHONPATH": str(tmp_path)})
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.UNREACHABLE, True)
    assert "is its daemon running?" in ended.stderr
