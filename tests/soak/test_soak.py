"""A short soak: a fleet that everything happens to tells no lie, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.hypervisor


def test_a_fleet_that_everything_happens_to_tells_the_truth_and_leaves_nothing_behind() -> None:
    command = [sys.executable, "-m", "tests.soak", "--minutes", "0.25", "--seed", "14"]
    size = ["--hosts", "2", "--domains", "3", "--simulated", "2"]
    soak = subprocess.run([*command, *size], capture_output=True, text=True, timeout=600, check=False)
    assert soak.returncode == 0, soak.stdout + soak.stderr
    assert "wrong: 0" in soak.stdout
    assert "left behind: nothing" in soak.stdout
