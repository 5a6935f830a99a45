"""The emulator's path comes from a daemon: what is run is what was checked, and it cannot hold anybody up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.libvirt.host import formats
from backend.libvirt.host.formats import built_in

pytestmark = pytest.mark.process

ANSWER = '{"return": {"formats": ["elf", "kdump-zlib"]}}'
FORMATS = frozenset({"elf", "kdump-zlib"})


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a program, a shell script, that counts as root's."""
    monkeypatch.setattr(formats, "ROOT", os.geteuid())
    monkeypatch.setattr(formats, "DEADLINE", 10.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def make(script: str, name: str = "qemu") -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


def test_a_script_is_run_and_answers(program: Callable[[str], Path]) -> None:
    assert built_in(str(program(f"echo '{ANSWER}'"))) == FORMATS


def test_a_compiled_program_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_ARGUMENTS", ("-",))
    descriptor = os.open("/bin/cat", os.O_PATH)
    assert b'{"execute": "qmp_capabilities"}' in formats._output(descriptor, "cat")
    os.close(descriptor)


def test_what_replaces_it_after_the_check_is_not_run(
    program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, evil = program(f"echo '{ANSWER}'"), program(f"touch {tmp_path}/run", "evil")
    link = tmp_path / "link"
    link.symlink_to(real)
    is_trusted = formats._is_trusted

    def swap(status: os.stat_result) -> bool:
        trusted = is_trusted(status)
        link.unlink()
        link.symlink_to(evil)
        real.unlink()
        real.symlink_to(evil)
        return trusted

    monkeypatch.setattr(formats, "_is_trusted", swap)
    built_in(str(link))
    assert not (tmp_path / "run").exists()


def test_a_link_that_is_swapped_answers_as_the_program_that_was_checked(
    program: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, evil = program(f"echo '{ANSWER}'"), program("exit 1", "evil")
    link = tmp_path / "link"
    link.symlink_to(real)
    is_trusted = formats._is_trusted

    def swap(status: os.stat_result) -> bool:
        link.unlink()
        link.symlink_to(evil)
        return is_trusted(status)

    monkeypatch.setattr(formats, "_is_trusted", swap)
    assert built_in(str(link)) == FORMATS


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o644], ids=["group", "others", "no program"])
def test_what_others_can_write_is_not_run(program: Callable[[str], Path], tmp_path: Path, mode: int) -> None:
    path = program(f"touch {tmp_path}/run; echo '{ANSWER}'")
    path.chmod(mode)
    assert built_in(str(path)) is None
    assert not (tmp_path / "run").exists()


def test_what_belongs_to_another_user_is_not_run(
    program: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(f"touch {tmp_path}/run; echo '{ANSWER}'")
    monkeypatch.setattr(formats, "ROOT", os.geteuid() + 1)
    assert built_in(str(path)) is None
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ["fifo", "folder", "missing", "with a NUL"])
def test_what_is_no_program_is_unknown(program: Callable[[str], Path], tmp_path: Path, kind: str) -> None:
    path = str(tmp_path / kind)
    if kind == "fifo":
        os.mkfifo(path, 0o755)
        os.chmod(path, 0o755)
    elif kind == "folder":
        os.mkdir(path, 0o755)
    elif kind == "with a NUL":
        path = "/usr/bin/\0"
    assert built_in(path) is None


def test_one_that_hangs_is_given_up(program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "DEADLINE", 0.2)
    begun = time.monotonic()
    # Its child holds the output open.
    assert built_in(str(program("sleep 1000 & sleep 1000"))) is None
    assert time.monotonic() - begun < 10


def test_one_that_prints_without_end_is_cut_off(program: Callable[..., Path]) -> None:
    assert built_in(str(program("yes"))) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "OUTPUT_LIMIT", 5)
        descriptor = os.open(program("yes", "noisy"), os.O_PATH)
        assert formats._output(descriptor, "noisy") == b"y\ny\ny"
        os.close(descriptor)


def test_it_gets_none_of_this_users_environment(
    program: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("LD_PRELOAD", "/nonexistent")
    built_in(str(program(f"env > {tmp_path}/env; pwd >> {tmp_path}/env")))
    lines = (tmp_path / "env").read_text().splitlines()
    assert not any(line.startswith(("SECRET", "LD_PRELOAD", "HOME")) for line in lines)
    assert lines[-1] == "/"


@pytest.mark.parametrize("answer", ["[" * 50_000, '{"return": {"formats": 5}}', '{"return": []}', "\\377"])
def test_nonsense_is_unknown(program: Callable[[str], Path], tmp_path: Path, answer: str) -> None:
    (tmp_path / "answer").write_text(answer)
    assert built_in(str(program(f"cat {tmp_path}/answer"))) is None
