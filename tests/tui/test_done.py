"""What was done here, as its user sees and copies it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator_hold import Hold
from tests.tui.console import console
from tui.config.values import Config, Dumps

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_a_dump_is_listed_with_its_result_and_copied_as_a_command(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "vm 01.core"
    config = Config(dump=Dumps(str(path)))
    async with console(QUIET, size=size, config=config) as user:
        await user.sees("▌ vm-01")
        await user.press("at")
        await user.reads("nothing was done here yet")
        await user.press("y")
        await user.sees_no("the command")
        await user.press("escape", "d")
        await user.sees("Dump · vm-01")
        with Hold(QUIET, path):
            await user.press("ctrl+s")
            await user.sees("waiting for dump")
            await user.press("escape", "at")
            await user.sees("Done here · 1", "vm-01", "running")
            await user.reads(f"virt-jobs -c '{QUIET}' dump vm-01 '{path}' --format elf")
        await user.sees("completed")
        await user.press("y")
        await user.until(lambda: user.app.clipboard.startswith("virt-jobs -c "), "the command copied")
        assert user.app.clipboard == f"virt-jobs -c '{QUIET}' dump vm-01 '{path}' --format elf"
        await user.press("Y")
        await user.reads("virsh has no command for that")


async def test_the_cursor_stays_on_its_line_while_more_is_done() -> None:
    async with console(QUIET, size=(120, 36)) as user:
        await user.sees("▌ vm-01")
        hosts = ("sim:///one?domains=1&jobs=0", "sim:///two?domains=1&jobs=0")
        session = user.app.screen.session  # type: ignore[attr-defined]
        for uri in hosts:
            session.add_host(uri)
        await user.press("at")
        await user.sees("Done here · 2")
        await user.press("j")
        await user.reads("virt-jobs -c 'sim:///one?domains=1&jobs=0'")
        session.add_host("sim:///three?domains=1&jobs=0")
        await user.sees("Done here · 3")
        await user.reads("virt-jobs -c 'sim:///one?domains=1&jobs=0'")
