"""The console shows the commands that run for its domains."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.running.command import run_command
from backend.uri import open_backend
from tests.tui.console import console

URI = "sim:///console-run?domains=2&jobs=0&memory=1"


@pytest.mark.process
async def test_a_running_command_is_in_the_details_of_its_domain_and_its_end_in_the_activity(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    async with open_backend(URI) as backend:
        key = (await backend.find("vm-02")).key
        record = await run_command(backend, key, ["sh", "-c", f"cat {gate}; exit 3", "[red]\x1b[31m"])
    async with console(URI, size=(160, 36)) as user:
        await user.sees("vm-02 attached to the command: sh -c 'cat")
        await user.go_to("vm-02")
        await user.sees("command    sh -c 'cat", "running since", f"by {record.user}", "[red]\\x1b[31m")
        gate.write_text("")
        await user.sees("vm-02 ✗ sh failed (exit status 3) in ")
        await user.sees_no("running since")
