"""A domain that was renamed is shown, found and named under its new name, and is still the one that was chosen."""

from __future__ import annotations

from pathlib import Path

from backend.dump_request import DumpRequest
from backend.model import DomainKey
from backend.running.start import start_dump
from backend.simulator import SimulatorBackend
from backend.uri import open_backend
from tests.tui.console import console, ended

URI = "sim:///renaming?domains=3&jobs=0&memory=1"


SLOW = "sim:///renaming-slow?domains=3&jobs=0&memory=64&rate=1"


async def renamed(name: str, new: str, uri: str = URI) -> DomainKey:
    """Someone stops the domain and renames it."""
    async with SimulatorBackend(uri) as backend:
        key = (await backend.find(name)).key
        if key.id is not None:
            await backend.destroy(key)
        return await backend.rename(key, new)


async def test_its_row_its_details_and_its_copied_name_are_new() -> None:
    async with console(URI) as user:
        await user.go_to("vm-02")
        await user.press("3")
        await renamed("vm-02", "db-primary")
        await user.sees("▌ db-primary", "name       db-primary", "renamed from vm-02")
        await user.press("y")
        await user.sees("db-primary")
        assert user.app.clipboard == "db-primary"
        assert "▌ vm-02" not in user.screen


async def test_its_mark_and_the_filter_follow_it() -> None:
    async with console(URI) as user:
        await user.go_to("vm-02")
        await user.press("space")
        await user.sees("1 marked")
        await renamed("vm-02", "db-primary")
        await user.sees("db-primary", "1 marked")
        await user.press("slash")
        await user.type("db-")
        await user.press("enter")
        await user.sees("●db-primary", "/db-", "1 of 3")
        await renamed("db-primary", "web")
        await user.sees("0 of 3")


async def test_its_history_has_what_was_dumped_under_its_old_name(tmp_path: Path) -> None:
    async with open_backend(URI) as backend:
        domain = await backend.find("vm-02")
        await ended(await start_dump(backend, DumpRequest(domain.key, str(tmp_path / "old.core"))))
    await renamed("vm-02", "db-primary")
    async with console(URI) as user:
        await user.go_to("db-primary")
        await user.press("2")
        await user.sees("completed in 0:", "old.core")


async def test_a_wait_that_is_over_is_titled_with_the_new_name(tmp_path: Path) -> None:
    async with open_backend(SLOW) as backend:
        domain = await backend.find("vm-02")
        async with console(SLOW) as user:
            await user.go_to("vm-02")
            record = await start_dump(backend, DumpRequest(domain.key, str(tmp_path / "core")))
            await user.sees("1 job ")
            await user.press("w")
            await user.sees("vm-02 · waiting for dump")
            await renamed("vm-02", "db-primary", SLOW)
            await user.sees("db-primary · waiting for dump")
            await ended(record)
