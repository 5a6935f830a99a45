"""What every test gets: a state folder of its own, and the rule for tests that need a hypervisor."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

HYPERVISOR = "qemu:///system"
REQUIRED = "VIRT_JOBS_REQUIRE_HYPERVISOR"

# How long an example takes says something of the machine, nothing of the code.
hypothesis.settings.register_profile("virt-jobs", deadline=None)
hypothesis.settings.load_profile("virt-jobs")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--harness",
        metavar="MODULE:CLASS",
        help="run tests/contract on this hypervisor alone: see tests/contract/harness.py",
    )


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test's own, and a config folder with nothing in it, for its processes too."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_TEST_DRIVER_DUMP_JOB"):
        monkeypatch.delenv(name, raising=False)
    return folder


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("hypervisor") is None or (reason := hypervisor_missing()) is None:
        return
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{reason}, and {REQUIRED}=1", pytrace=False)
    pytest.skip(reason)


@functools.cache
def hypervisor_missing() -> str | None:
    """Why tests that are marked ``hypervisor`` cannot run here; None: they can."""
    try:
        import libvirt  # noqa: F401
    except ImportError as error:
        return f"the libvirt binding is not usable ({error})"
    # Asked in a process of its own: a daemon that hangs must not hang the tests.
    probe = "import libvirt, sys; libvirt.open(sys.argv[1]).getLibVersion()"
    try:
        asked = subprocess.run(
            [sys.executable, "-c", probe, HYPERVISOR],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{HYPERVISOR} does not answer within 10 s"
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"{HYPERVISOR} does not answer: {last}"
    return None
