"""Writing what is shown to a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from backend.outcome import Verdict
from tests.simulator_hold import Hold
from tests.tui.console import User, console, dumping
from tests.tui.test_history import NAMED, everything, opened, remember
from tests.tui.test_marks import mark
from tests.tui.test_queue import ONE

QUIET = "sim:///quiet?domains=30&jobs=0&memory=16"
SIZES = pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
BUSY = "sim:///exported?domains=4&jobs=2&memory=64"


async def export(user: User, path: Path | str) -> None:
    await user.press("e")
    await user.sees("Export · ", "^s Write", "virt-jobs-")
    await user.press("ctrl+u")
    await user.type(str(path))
    await user.press("enter")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_table_is_written_as_it_is_filtered_and_sorted(tmp_path: Path, size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01")
        await user.press("slash")
        await user.type("vm-1")
        await user.press("enter")
        await user.click(4, 2)
        await user.press("S", "g")
        await user.sees("Name▼", "10 of 30", "▌ vm-19")
        await export(user, tmp_path / "out.txt")
        await user.sees("domains written to", "Name▼")
    header, *lines = (tmp_path / "out.txt").read_text().splitlines()
    assert header.split()[:3] == ["Name", "State", "Job"]
    assert [line.split()[0] for line in lines] == [f"vm-{number}" for number in range(19, 9, -1)]
    assert lines[0].split() == ["vm-19", "running"]


async def test_csv_and_json_have_plain_values(tmp_path: Path) -> None:
    with Hold(BUSY):
        async with console(BUSY) as user:
            await user.sees("2 jobs", "%")
            await export(user, tmp_path / "out.json")
            await user.sees("domains written to")
            await export(user, tmp_path / "out.csv")
            await user.until((tmp_path / "out.csv").exists, "the second file")
    values = json.loads((tmp_path / "out.json").read_text())
    assert len(values) == 4
    busy = values[0]
    assert busy["state"] == "running" or busy["state"] == "paused"
    assert busy["total"] >= busy["processed"] > 0
    assert 0 < busy["fraction"] < 1
    assert (busy["uri"], busy["host"], busy["disk"]) == (BUSY, "sim:///exported", None)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["domain"] for row in rows] == [row["domain"] for row in values]
    assert rows[-1]["job"] == ""


async def test_an_existing_file_is_replaced_only_after_a_question(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("mine")
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await export(user, path)
        await user.sees("exists.", "Replace it?", "n No")
        await user.press("n")
        await user.sees("exists already")
        assert path.read_text() == "mine"
        await user.press("ctrl+s")
        await user.sees("Replace it?")
        await user.press("y")
        await user.sees("domains written to", "▌ vm-01")
        assert path.read_text().startswith("Name")


async def test_what_cannot_be_written_is_one_line_and_the_path_can_be_corrected(tmp_path: Path) -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        await export(user, tmp_path / "missing" / "out.txt")
        await user.sees("there is no folder")
        await user.press("ctrl+u")
        await user.press("enter")
        await user.sees("enter a path")
        await user.type(str(tmp_path))
        await user.press("enter")
        await user.sees("is a folder")
        await user.press("escape")
        await user.sees("▌ vm-01", "q Quit")


async def test_the_history_is_written(tmp_path: Path) -> None:
    remember(("db-1", Verdict.COMPLETED), ("db-2", Verdict.FAILED), ("web-1", Verdict.COMPLETED))
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("J")
        await user.sees("3 jobs")
        await user.press("slash")
        await user.type("db")
        await user.press("enter")
        await export(user, tmp_path / "out.txt")
        await user.sees("history written to", "/db  2 of 3")
        await export(user, tmp_path / "out.json")
        await user.until((tmp_path / "out.json").exists, "the second file")
    header, *lines = (tmp_path / "out.txt").read_text().splitlines()
    assert header.split()[:2] == ["Began", "Domain"]
    assert ["db-2" in lines[0], "✗ failed" in lines[0], "db-1" in lines[1]] == [True] * 3
    first = json.loads((tmp_path / "out.json").read_text())[0]
    assert (first["domain"], first["result"], first["operation"]) == ("db-2", "failed", "save")
    assert first["began"][10] == "T"


async def test_commands_and_queued_dumps_are_written_with_the_jobs(tmp_path: Path) -> None:
    everything()
    async with console(QUIET, config=NAMED, size=(160, 50)) as user:
        await opened(user, "5 jobs")
        await export(user, tmp_path / "out.txt")
        await user.sees("history written to")
        await export(user, tmp_path / "out.json")
        await user.until((tmp_path / "out.json").exists, "the second file")
        await export(user, tmp_path / "out.csv")
        await user.until((tmp_path / "out.csv").exists, "the third file")
    _, *lines = (tmp_path / "out.txt").read_text().splitlines()
    assert ["not started" in lines[0], "queued" in lines[1], "run virsh" in lines[2]] == [True] * 3
    values = json.loads((tmp_path / "out.json").read_text())
    assert [it["operation"] for it in values] == ["dump", "dump", "run", "run", "save"]
    assert [it["result"] for it in values] == ["not started", "queued", "running", "failed", "completed"]
    assert [it["command"] for it in values] == [None, None, "virsh save db-3 /save/db-3", "sh -c 'exit 3'", None]
    assert [it["path"] for it in values] == ["/dumps/db-5.elf", "/dumps/db-4.elf", None, None, "/save/db-1"]
    assert [it["evidence"] for it in values] == [None, None, None, "exit status 3", "lifecycle event"]
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 6


async def test_xml_is_written_whole(tmp_path: Path) -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        await user.press("x")
        await user.sees("<name>vm-01</name>")
        await export(user, tmp_path / "vm-01.xml")
        await user.sees("xml-vm-01 written to", "XML · vm-01")
    text = (tmp_path / "vm-01.xml").read_text()
    assert text.startswith("<domain ")
    assert text.endswith("</domain>\n")


@SIZES
async def test_a_wait_is_written_while_its_job_goes_on_and_with_its_result(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    core = tmp_path / "core"
    async with console(QUIET, size=size) as user:
        async with dumping(QUIET, "vm-01", core) as record:
            await user.sees("1 job ", "▌ vm-01")
            await user.press("w")
            await user.sees("vm-01 · waiting for dump", "left")
            await export(user, tmp_path / "out.txt")
            await user.sees("wait-vm-01 written to", "vm-01 · waiting for dump")
            await export(user, tmp_path / "running.json")
            await user.until((tmp_path / "running.json").exists, "the second file")
        await user.sees("⊘ dump cancelled")
        await export(user, tmp_path / "over.json")
        await user.until((tmp_path / "over.json").exists, "the third file")
    lines = (tmp_path / "out.txt").read_text().splitlines()
    assert lines[0] == "vm-01 · waiting for dump"
    assert any("done" in line and "left" in line for line in lines)
    [running] = json.loads((tmp_path / "running.json").read_text())
    assert (running["domain"], running["job"], running["result"]) == ("vm-01", "dump", "running")
    assert (running["path"], running["requester"], running["uri"]) == (str(core), record.user, QUIET)
    assert 0 <= running["fraction"] < 1 and running["total"] > 0
    [over] = json.loads((tmp_path / "over.json").read_text())
    assert (over["result"], over["evidence"], over["fraction"]) == ("cancelled", "result", None)
    assert over["reason"]


@SIZES
async def test_the_list_of_waits_is_written_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE, size=size) as user:
        await user.sees("▌ vm-01")
        await mark(user, 2)
        await user.press("d")
        await user.sees("Dump · 2 domains")
        await user.press("ctrl+s")
        await user.sees("1 running · 1 queued", "0 %")  # It has begun.
        await export(user, tmp_path / "out.txt")
        await user.sees("waits written to", "1 running · 1 queued")
        await export(user, tmp_path / "out.json")
        await user.until((tmp_path / "out.json").exists, "the second file")
    lines = (tmp_path / "out.txt").read_text().splitlines()
    assert lines[0] == "Waiting · 2 domains"
    assert [line.split()[0] for line in lines if line.startswith("vm-")] == ["vm-01", "vm-02"]
    values = json.loads((tmp_path / "out.json").read_text())
    assert [(value["domain"], value["result"]) for value in values] == [("vm-01", "running"), ("vm-02", "queued")]
