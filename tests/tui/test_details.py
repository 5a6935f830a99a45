"""The tabs about one domain, as the user sees them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.records import process
from backend.records.record import RecordState
from backend.running.start import start_dump
from backend.uri import open_backend
from tests.simulator_hold import Hold
from tests.tui.console import console, dumping, ended
from tests.unit.test_history import ended as seen_ended
from tests.unit.test_history import entry

QUIET = "sim:///quiet?domains=3&jobs=0&memory=64"


async def test_the_job_shows_all_stats_of_its_operation(tmp_path: Path) -> None:
    async with console(QUIET, size=(160, 50)) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.sees("1 job ", "raw dump → ", "Data remaining", "Dirty rate", "Memory bandwidth")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_first_line_says_which_file_since_when_and_who(tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "a-rather-long-name-of-a-file-that-does-not-fit-into-eighty-columns.core"
    async with console(QUIET, size=size) as user, dumping(QUIET, "vm-01", file) as record:
        await user.sees("raw dump → /")
        first = next(line for line in user.screen.splitlines() if "raw dump → " in line)
        second = user.screen.splitlines()[user.screen.splitlines().index(first) + 1]
        assert "columns.core" in first
        assert re.search(f"started .*[0-9][0-9]:[0-9][0-9] by {record.user}", f"{first} {second}")


async def test_the_file_of_a_dump_without_a_record_is_seen_and_copied(tmp_path: Path) -> None:
    async with console(QUIET, size=(160, 50)) as user, open_backend(QUIET) as other:
        await user.sees("▌ vm-01")
        async with Hold(QUIET, tmp_path / "foreign.core"):
            domain = await other.find("vm-01")
            call = asyncio.create_task(other.call_dump(DumpRequest(domain.key, str(tmp_path / "foreign.core"))))
            await user.sees(f"dump → {tmp_path / 'foreign.core'}, started ")
            await user.press("c")
            await user.until(lambda: user.app.clipboard == str(tmp_path / "foreign.core"), "the path copied")
        await call


async def test_the_job_shows_its_throughput_since_it_began(tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.until(lambda: re.search("throughput [▁▂▃▄▅▆▇█]", user.screen) is not None, "a bar of its throughput")


async def test_history_has_the_results_of_earlier_dumps(tmp_path: Path) -> None:
    async with open_backend(QUIET) as backend:
        domain = await backend.find("vm-01")
        await ended(await start_dump(backend, DumpRequest(domain.key, str(tmp_path / "first.core"))))
    async with console(f"{QUIET}&fail=disk-full", size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        async with open_backend(f"{QUIET}&fail=disk-full") as backend:
            await ended(await start_dump(backend, DumpRequest(domain.key, str(tmp_path / "second.core"))))
        await user.press("j", "k", "2")
        await user.sees("dump completed in 0:", "first.core", "dump failed in 0:", "second.core", "libvirt_iohelper")


async def test_history_marks_what_only_the_shared_record_says() -> None:
    async with console(QUIET) as user, open_backend(QUIET) as other:
        await user.sees("▌ vm-01")
        domain = await other.find("vm-01")
        record = process.new_record(DumpRequest(domain.key, "/dumps/claimed.core"), "sim:///elsewhere")
        await other.publish(process.finished(record, RecordState.COMPLETED))
        await user.press("j", "k", "2")
        await user.sees("claimed.core", "completed in 0:00, shared by")


async def test_history_has_what_a_witness_elsewhere_tells_in_the_metadata() -> None:
    async with console(QUIET, size=(160, 50)) as user, open_backend(QUIET) as other:
        await user.sees("▌ vm-01")
        domain = await other.find("vm-01")
        seen = entry(uuid=domain.key.uuid, domain="vm-01", domain_id=domain.key.id, observer="root@hv3 (witness)")
        await other.publish_claims(domain.key, [seen_ended(seen)])
        await user.press("j", "k", "2")
        await user.sees("save completed in 0:05", "metadata says, in the name of", "root@hv3 (witness)")


async def test_info_says_what_the_domain_is() -> None:
    async with open_backend(QUIET) as backend:
        key = (await backend.find("vm-01")).key
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("3")
        await user.sees(key.uuid, "64.0 MiB", f"id         {key.id}", "hypervisor simulator")


async def test_enter_opens_the_history_of_a_domain_without_a_job() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("enter")
        await user.sees("no jobs are remembered")


async def test_a_click_on_a_tab_opens_it() -> None:
    async with console(QUIET) as user:
        await user.sees("3:info")
        line = next(y for y, line in enumerate(user.screen.splitlines()) if "3:info" in line)
        await user.click(user.screen.splitlines()[line].index("3:info") + 2, line)
        await user.sees("uuid ")
