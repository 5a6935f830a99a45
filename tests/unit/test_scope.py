"""Runners get a systemd scope of their own, and their dumps neither wait for systemd nor depend on it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.running import scope
from backend.running.scope import Login, NoScope
from backend.running.start import start_dump
from backend.uri import open_backend
from tests.contract.steps import PATIENCE, eventually

URI = "sim:///scope?domains=1&jobs=0&memory=1"
ROOT = Login(0, "root", booted=True, lingering=False, in_user_manager=False)
DORA = Login(1000, "dora", booted=True, lingering=True, in_user_manager=False)

RECORDS = 'printf "%s\\n" "$@" > {folder}/arguments'
REFUSES = "echo 'Call failed: Access denied' >&2; exit 1"
HANGS = "echo $$ > {folder}/pid; exec /bin/sleep 60"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of commands."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(scope, "current_login", lambda: ROOT)
    return folder


def busctl(tools: Path, script: str) -> None:
    (tools / "busctl").write_text(f"#!/bin/sh\n{script.format(folder=tools)}\n")
    (tools / "busctl").chmod(0o755)


async def dump(folder: Path) -> JobRecord:
    async with open_backend(URI) as backend:
        domain = await backend.find("vm-01")
        return await start_dump(backend, DumpRequest(domain.key, str(folder / "core")))


async def completed(record: JobRecord) -> bool:
    now = await asyncio.to_thread(Journal().read, record.id)
    return now is not None and now.state is RecordState.COMPLETED


@pytest.mark.process
async def test_the_runner_is_moved_into_a_scope_named_after_its_record(tools: Path, tmp_path: Path) -> None:
    busctl(tools, RECORDS)
    record = await dump(tmp_path)

    async def is_over() -> bool:
        return await completed(record)

    await eventually(is_over)
    now = Journal().read(record.id)
    assert now is not None
    arguments = (tools / "arguments").read_text().splitlines()
    assert arguments[arguments.index("StartTransientUnit") + 2] == f"virt-jobs-{record.id}.scope"
    assert arguments[arguments.index("PIDs") :] == ["PIDs", "au", "1", str(now.pid), "0"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "why"),
    [(REFUSES, "Call failed: Access denied"), (None, "busctl: No such file or directory"), (HANGS, "does not answer")],
)
async def test_a_dump_without_a_scope_is_made_all_the_same_and_the_reason_logged(
    script: str | None,
    why: str,
    tools: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(scope, "DEADLINE", 0.5)
    if script is not None:
        busctl(tools, script)
    with caplog.at_level(logging.INFO, "backend.running.start"):
        record = await dump(tmp_path)

        async def is_logged() -> bool:
            return why in caplog.text

        await eventually(is_logged)

    async def is_over() -> bool:
        return await completed(record)

    await eventually(is_over)


@pytest.mark.process
async def test_a_dump_does_not_wait_for_a_systemd_that_hangs(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "DEADLINE", PATIENCE * 3)
    busctl(tools, HANGS)
    starting = asyncio.create_task(dump(tmp_path))

    async def over() -> bool:
        records = await asyncio.to_thread(Journal().history)
        return bool(records) and await completed(records[0])

    try:
        await eventually(over)
    finally:
        os.kill(int((tools / "pid").read_text()), signal.SIGKILL)
    assert (await starting).path == str(tmp_path / "core")


def test_a_user_s_scope_is_requested_from_the_user_s_own_manager(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "current_login", lambda: DORA)
    busctl(tools, RECORDS)
    scope.move(7, "virt-jobs-x")
    assert "--address=unix:path=/run/user/1000/bus" in (tools / "arguments").read_text().splitlines()


def test_what_logind_would_end_with_the_login_is_moved_all_the_same(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "current_login", lambda: replace(DORA, lingering=False))
    busctl(tools, RECORDS + "; printf 'b true\\nas 0\\nas 0\\n'")
    scope.move(7, "virt-jobs-x")
    assert "StartTransientUnit" in (tools / "arguments").read_text().splitlines()


@pytest.mark.parametrize(
    ("login", "why"),
    [
        (Login(0, "root", False, False, False), "systemd is not running here"),
        (Login(1000, "dora", False, True, False), "systemd is not running here"),
        # Its login's unit is often left alone; the manager's never is.
        (Login(1000, "dora", True, False, False), "the user manager of dora ends at logout"),
    ],
)
def test_nothing_is_moved_where_a_scope_is_no_better(
    login: Login, why: str, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "current_login", lambda: login)
    busctl(tools, "printf 'b false\\nas 0\\nas 0\\n'")
    with pytest.raises(NoScope, match=why):
        scope.move(7, "virt-jobs-x")


@pytest.mark.parametrize(
    ("groups", "inside"),
    [
        (b"0::/user.slice/user-%d.slice/session-3.scope\n", False),
        (b"0::/user.slice/user-%d.slice/user@%d.service/app.slice/foot.scope\n", True),
        (b"1:name=systemd:/user.slice/user-%d.slice/user@%d.service/a.service\n0::/\n", True),
        (b"0::/system.slice/\xff.service\n", False),
    ],
)
def test_the_login_is_read_from_the_system(
    groups: bytes, inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = os.geteuid()
    monkeypatch.setattr(scope, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(scope, "BOOTED", tmp_path)
    monkeypatch.setattr(scope, "LINGERING", tmp_path / "linger")
    (tmp_path / "cgroup").write_bytes(groups.replace(b"%d", str(uid).encode()))
    login = scope.current_login()
    assert (login.uid, login.booted, login.lingering, login.in_user_manager) == (uid, True, False, inside)
    (tmp_path / "linger").mkdir()
    (tmp_path / "linger" / login.user).touch()
    assert scope.current_login().lingering


@pytest.mark.parametrize(
    ("properties", "kills"),
    [
        ("b false\nas 0\nas 0", False),
        ("b true\nas 0\nas 0", True),
        ('b true\nas 1 "dora"\nas 0', False),
        ('b true\nas 1 "root"\nas 2 "amy" "dora"', True),
        ('b true\nas 0\nas 1 "amy"', False),
        ("b true", None),
        ('as 1 "', None),
    ],
)
def test_what_logind_does_at_logout(
    properties: str, kills: bool | None, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope, "current_login", lambda: DORA)
    busctl(tools, f"printf '%s\\n' '{properties}'")
    check = scope.check_logout()
    assert (check.error, check.kills) == (None, kills)


def test_a_manager_that_refuses_is_named(tools: Path) -> None:
    busctl(tools, REFUSES)
    assert scope.check_logout() == scope.LogoutCheck(ROOT, "Call failed: Access denied", None)
