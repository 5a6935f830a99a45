"""Where no hypervisor is needed to be wrong: bad URIs, closed pipes, the pretended dump of libvirt's series."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.command import one_line, virt_jobs

PRETENDED = "LIBVIRT_TEST_DRIVER_DUMP_JOB"
SIMULATOR = ("-c", "sim:///pretended?domains=2")


def test_a_pretended_dump_shows_on_every_running_domain() -> None:
    ended = virt_jobs(*SIMULATOR, "list", env={PRETENDED: "0"})
    assert [line.split()[3] for line in ended.stdout.splitlines()[2:]] == ["dump", "dump"]


@pytest.mark.parametrize(("value", "code"), [("0", 0), ("-1", 1), ("7", 1)])
def test_waiting_for_a_pretended_dump_returns_at_once(value: str, code: int) -> None:
    ended = virt_jobs(*SIMULATOR, "dump", "vm-01", "--wait", env={PRETENDED: value})
    assert ended.returncode == code
    assert ("dump fake fail" in ended.stderr) == (code == 1)


def test_waiting_for_another_pretended_operation_is_not_supported() -> None:
    ended = virt_jobs(*SIMULATOR, "wait", "vm-01", "--operation", "save", env={PRETENDED: "0"})
    assert (ended.returncode, one_line(ended.stderr)) == (1, True)
    assert "not supported" in ended.stderr


def test_one_host_that_is_down_does_not_hide_the_others() -> None:
    ended = virt_jobs("-c", "sim:///a?domains=1", "-c", "sim:///b?domains=x", "list", "--json")
    assert ended.stdout.count("\n") == 1
    assert ended.returncode == 2
    assert one_line(ended.stderr)


def test_the_backend_imports_nothing_of_the_console() -> None:
    code = (
        "import sys, pkgutil, importlib, backend\n"
        "for module in pkgutil.walk_packages(backend.__path__, 'backend.', onerror=lambda name: None):\n"
        "    if 'libvirt' not in module.name: importlib.import_module(module.name)\n"
        "sys.exit(any(name.split('.')[0] in ('tui', 'textual', 'rich') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
