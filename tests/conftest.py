"""What every test gets: a state folder of its own, and the rule for tests that need a hypervisor."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

from tests.order import dealt

HYPERVISOR = "qemu:///system"
TESTS = Path(__file__).parent
REQUIRED = "VIRT_JOBS_REQUIRE_HYPERVISOR"

# How long an example takes says something about the machine and nothing about the code.
UNTIMED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("virt-jobs", UNTIMED)
hypothesis.settings.register_profile("fast", UNTIMED, max_examples=25)
hypothesis.settings.register_profile("ci", UNTIMED, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "virt-jobs")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--harness",
        metavar="MODULE:CLASS",
        help="run tests/contract on this hypervisor alone: see tests/contract/harness.py",
    )


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in its background with Ctrl-C ignored, and so would be what the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test's own, and empty folders for the config and the host, for its processes too."""
    folder = tmp_path / "state"
    monkeypatch.setenv("VIRT_JOBS_HOST_FOLDER", str(tmp_path / "host"))
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("LIBVIRT_DEFAULT_URI", "VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_TEST_DRIVER_DUMP_JOB"):
        monkeypatch.delenv(name, raising=False)
    return folder


NEED_BINDING = {"hypervisor", "faults", "fleet", "soak", "unit/libvirt"}
"""The folders of tests that cannot even be imported without the libvirt binding."""


class WithoutBinding(pytest.Collector):
    """A folder that is skipped as a whole."""

    def collect(self) -> NoReturn:
        pytest.skip(binding_missing() or "")


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    needed = path.is_relative_to(TESTS) and path.relative_to(TESTS).as_posix() in NEED_BINDING
    return WithoutBinding.from_parent(parent, name=path.name, path=path) if needed and binding_missing() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if worker := getattr(config, "workerinput", None):
        items[:] = dealt(items, worker["workercount"], TESTS)
    for item in items:
        # Its dumps are made by runners, and the command that it runs is one too.
        if "harness" in getattr(item, "fixturenames", ()):
            item.add_marker("process")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, missing in MISSING.items():
        if item.get_closest_marker(marker) is None or (reason := missing()) is None:
            continue
        if marker == "hypervisor" and os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{reason}, and {REQUIRED}=1", pytrace=False)
        pytest.skip(reason)


@functools.cache
def binding_missing() -> str | None:
    """Why tests that talk to libvirt themselves cannot run here; None: they can."""
    try:
        import libvirt  # noqa: F401
    except ImportError as error:
        return f"the libvirt binding is not usable ({error})"
    return None


@functools.cache
def hypervisor_missing() -> str | None:
    """Why tests that are marked ``hypervisor`` cannot run here; None: they can."""
    if (reason := binding_missing()) is not None:
        return reason
    # Asked in a process of its own: a daemon that hangs must not hang the tests.
    probe = "import libvirt, sys; libvirt.open(sys.argv[1]).getLibVersion()"
    try:
        asked = subprocess.run(
            [sys.executable, "-c", probe, HYPERVISOR],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{HYPERVISOR} does not answer within a minute"
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["no reason given"])[-1]
        return f"{HYPERVISOR} does not answer: {last}"
    return None


@functools.cache
def terminal_missing() -> str | None:
    """Why tests that are marked ``terminal`` cannot run here; None: they can."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError as error:
        return f"no pseudo-terminal can be opened ({error.strerror})"
    return None


MISSING = {"binding": binding_missing, "hypervisor": hypervisor_missing, "terminal": terminal_missing}
"""Each marker for what a machine may lack -> why tests with it cannot run here."""
