"""Whatever goes wrong before a job: one line that says what, why and what to do, an exit code, and nothing is lost."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.records.journal import SCHEMA, Journal, own_name
from tests.cli.command import QUICK, one_line, virt_jobs
from tests.tui.terminal import terminal
from tests.unit.test_record import new
from tui.cli.exits import Exit

NO_DAEMON = "qemu+unix:///system?socket=/nonexistent/socket"


@dataclass(frozen=True)
class Place:
    """Where a row takes place."""

    folder: Path
    state: Path
    """virt-jobs' own folder in the state home; not there yet."""

    @property
    def journal(self) -> Path:
        return self.state / own_name()

    @property
    def config(self) -> Path:
        return Path(os.environ["XDG_CONFIG_HOME"]) / "virt-jobs" / "config.toml"


def nothing(place: Place) -> None:
    """All is as it should be."""


def precious(place: Place) -> None:
    (place.folder / "core").write_text("precious")


def folder_in_the_way(place: Place) -> None:
    (place.folder / "core").mkdir()


def link_in_the_way(place: Place) -> None:
    (place.folder / "core").symlink_to("/nonexistent/elsewhere")


def fifo_in_the_way(place: Place) -> None:
    os.mkfifo(place.folder / "core")


def state_is_a_file(place: Place) -> None:
    place.state.parent.mkdir()
    place.state.write_text("no folder")


def journal_is_a_folder(place: Place) -> None:
    place.journal.mkdir(parents=True)


def journal_is_a_link(place: Place) -> None:
    place.state.mkdir(parents=True)
    place.journal.symlink_to(place.folder / "elsewhere.db")


def newer_journal(place: Place) -> None:
    Journal(place.journal).write(new()) if place.state.exists() else Journal().write(new())
    with closing(sqlite3.connect(place.journal)) as db, db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")


def broken_config(text: str) -> Callable[[Place], None]:
    def write(place: Place) -> None:
        place.config.parent.mkdir(parents=True)
        place.config.write_bytes(text.encode("utf-8", "surrogateescape"))

    return write


@dataclass(frozen=True)
class Row:
    """One way to go wrong. In `command`, "core" is a path in the test's own folder, where it is run."""

    command: str | Sequence[str]
    code: Exit
    says: str
    """What and why."""
    advises: str = ""
    """What to do."""
    uri: str | None = QUICK
    scene: Callable[[Place], None] = nothing
    env: dict[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        words = shlex.split(self.command) if isinstance(self.command, str) else [*self.command]
        return [*(["-c", self.uri] if self.uri is not None else []), *words]

    @property
    def name(self) -> str:
        scene = "" if self.scene is nothing else f" [{self.scene.__qualname__.split('.')[0]}]"
        return f"{shlex.join(self.arguments[2 if self.uri == QUICK else 0 :])[:60]!a}{scene}"


USAGE = [
    Row("frobnicate", Exit.USAGE, "frobnicate", "--help"),
    Row("list --frobnicate", Exit.USAGE, "--frobnicate", "--help"),
    Row("list vm-01", Exit.USAGE, "vm-01", "--help"),
    Row("info", Exit.USAGE, "DOMAIN", "--help"),
    Row("abort", Exit.USAGE, "DOMAIN", "--help"),
    Row("resume", Exit.USAGE, "DOMAIN", "--help"),
    Row("wait --last", Exit.USAGE, "--last needs a DOMAIN", "virt-jobs history"),
    Row("wait vm-01 --last --next", Exit.USAGE, "cannot be used with --next"),
    Row("wait --next --all", Exit.USAGE, "--next --all needs a DOMAIN", "--help"),
    Row("inspect", Exit.USAGE, "FILE", "--help"),
    Row("history a b", Exit.USAGE, "b", "--help"),
    Row("config x", Exit.USAGE, "x", "--help"),
    Row("wait vm-01 --timeout soon", Exit.USAGE, "'soon'", "--help"),
    Row("wait vm-01 --timeout -1", Exit.USAGE, "-1", "--help"),
    Row("wait vm-01 --operation nap", Exit.USAGE, "'nap'", "migration-out"),
    Row("wait vm-01 --trust me", Exit.USAGE, "'me'", "'qemu'"),
    Row("dump", Exit.USAGE, "DOMAIN", "--help"),
    Row("dump vm-01", Exit.USAGE, "missing required argument FILE", "virt-jobs -c 'sim:///quick"),
    Row(["dump", "vm-01", ""], Exit.USAGE, "missing required argument FILE", "--help"),
    Row("dump vm-01 core --wait", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 --wait --crash", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 --wait --format elf", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 --wait --overwrite", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 core --crash --reset", Exit.USAGE, "mutually exclusive"),
    Row("dump vm-01 core --format png", Exit.USAGE, "'png'", "'kdump-zlib'"),
    Row("dump vm-01 core --format raw --memory-only", Exit.USAGE, "--memory-only cannot be used with raw", "elf"),
    Row("", Exit.USAGE, "the console needs a terminal", "memory=1' list --json\n"),
]
PATHS = [
    Row("dump vm-01 core", Exit.USAGE, "core exists, and even a failed dump", "use --overwrite", scene=precious),
    Row("dump vm-01 core", Exit.USAGE, "core is a folder", "name a file in it", scene=folder_in_the_way),
    Row("dump vm-01 core --overwrite", Exit.USAGE, "core is a folder", "name a file in it", scene=folder_in_the_way),
    Row(
        "dump vm-01 core", Exit.USAGE, "core is a link to /nonexistent/elsewhere", "--overwrite", scene=link_in_the_way
    ),
    Row("dump vm-01 core", Exit.USAGE, "core is no regular file", "use --overwrite", scene=fifo_in_the_way),
    Row("dump vm-01 nowhere/", Exit.USAGE, "nowhere/ is not the absolute path of a file", "name one"),
    Row(["dump", "vm-01", "new\nline"], Exit.USAGE, "new line has control characters", "choose another name"),
    Row(["dump", "vm-01", "\x1b[2J"], Exit.USAGE, "\\x1b[2J has control characters", "choose another name"),
    Row(["dump", "vm-01", "core\udcff"], Exit.USAGE, "is not valid UTF-8", "choose another name"),
    Row(["dump", "vm-01", "d/" * 3000 + "core"], Exit.USAGE, "of at most 4095", "choose a shorter one"),
    Row(["dump", "vm-01", "n" * 300], Exit.FAILED, "File name too long"),
    Row("dump vm-01 no/such/folder/core", Exit.FAILED, "No such file or directory"),
    Row("dump vm-01 /proc/core", Exit.FAILED, "Failed to create file '/proc/core'"),
    Row("inspect nothing", Exit.FAILED, "cannot read nothing: No such file or directory"),
    Row("inspect core", Exit.FAILED, "core is not a regular file", scene=folder_in_the_way),
    Row("inspect core", Exit.FAILED, "core is not a regular file", scene=fifo_in_the_way),
    Row(["inspect", "new\nline"], Exit.FAILED, "cannot read new line: No such file or directory"),
]
HYPERVISORS = [
    *(
        Row(command, Exit.UNREACHABLE, "nobody")
        for command in ("wait nobody", "info nobody", "abort nobody", "resume nobody", "dump nobody core")
    ),
    Row("wait", Exit.NO_JOB, "no job is running on sim:///quick"),
    Row("wait --operation save", Exit.NO_JOB, "no save is running on sim:///quick"),
    Row("wait --next --timeout 0.1", Exit.TIMEOUT, "timed out after 0.1 s; no job has begun"),
    Row("wait vm-01", Exit.NO_JOB, "vm-01 has no job to wait for"),
    Row("wait vm-01 --last", Exit.NO_JOB, "vm-01 has no job to wait for"),
    Row("abort vm-01", Exit.NO_JOB, "no job is active"),
    Row("resume vm-01", Exit.FAILED, "already running"),
    Row("-r dump vm-01 core", Exit.UNREACHABLE, "read only access prevents"),
    Row("-r resume vm-01", Exit.UNREACHABLE, "read only access prevents"),
    Row("list", Exit.USAGE, "unknown option 'colour'", "the options are domains", uri="sim:///x?colour=red"),
    Row("list", Exit.USAGE, "domains=many must be an integer", "from 0 to", uri="sim:///x?domains=many"),
    Row("list", Exit.USAGE, "a simulator has no host", "three slashes: sim:///x", uri="sim://x"),
    Row("list", Exit.USAGE, "Invalid IPv6 URL", uri="http://["),
    Row("list", Exit.USAGE, "it contains unprintable characters", uri="sim:///a\nb"),
    Row("wait vm", Exit.USAGE, "it contains unprintable characters", uri="sim:///a\udcff"),
]
STATE = [
    *(
        Row(command, Exit.FAILED, f"state folder {place}", "set XDG_STATE_HOME", uri="sim:///x", scene=scene, env=env)
        for command in ("history", "list")
        for place, scene, env in (
            ("/proc/nowhere/virt-jobs: No such file", nothing, {"XDG_STATE_HOME": "/proc/nowhere"}),
            ("", state_is_a_file, {}),
        )
    ),
    *(
        Row(command, Exit.FAILED, why, advice, scene=scene)
        for command in ("history", "dump vm-01 core")
        for why, advice, scene in (
            ("it is no regular file", "move it away", journal_is_a_folder),
            ("it is a symbolic link", "put the file itself there", journal_is_a_link),
            ("it was written by a newer virt-jobs", "use that one", newer_journal),
        )
    ),
]
CONFIG = [
    Row("list", Exit.USAGE, "config.toml:1: dump: must be a table", scene=broken_config("dump = 3")),
    Row(
        "list",
        Exit.USAGE,
        "config.toml:2: colour: unknown",
        "the keys are actions, ascii",
        scene=broken_config("\ncolour = 1"),
    ),
    Row("list", Exit.USAGE, "config.toml:1: not valid TOML", scene=broken_config("[[[")),
    Row("list", Exit.USAGE, "config.toml: must be UTF-8", scene=broken_config("\udcff")),
]
ROWS = [*USAGE, *PATHS, *HYPERVISORS, *STATE, *CONFIG]


@pytest.fixture
def place(here: Path, state_home: Path) -> Place:
    return Place(here, state_home / "virt-jobs")


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_what_goes_wrong_is_one_line_and_touches_nothing(row: Row, place: Place) -> None:
    row.scene(place)
    before = sorted((path.name, path.lstat().st_size) for path in place.folder.iterdir())
    ended = virt_jobs(*row.arguments, env=row.env)
    assert (ended.returncode, one_line(ended.stderr), ended.stdout) == (row.code, True, ""), ended
    assert row.says in ended.stderr
    assert row.advises in ended.stderr
    assert sorted((path.name, path.lstat().st_size) for path in place.folder.iterdir()) == before


@pytest.mark.hypervisor
@pytest.mark.parametrize("command", ["list", "info vm", "wait vm", "dump vm core", "dump vm --wait", "abort vm"])
def test_a_daemon_that_is_not_there_is_one_line(command: str, place: Place) -> None:
    ended = virt_jobs("-c", NO_DAEMON, *shlex.split(command))
    assert (ended.returncode, one_line(ended.stderr), ended.stdout) == (Exit.UNREACHABLE, True, "")
    assert "cannot connect to" in ended.stderr


@pytest.mark.hypervisor
@pytest.mark.parametrize("uri", ["foo:///x", "nothing at all", "x" * 5000, "://", "qemu://"])
def test_a_uri_that_libvirt_does_not_know_is_one_line(uri: str) -> None:
    ended = virt_jobs("-c", uri, "list")
    assert ended.returncode in (Exit.USAGE, Exit.UNREACHABLE)
    assert one_line(ended.stderr)
    assert "cannot connect to" in ended.stderr


def test_a_damaged_journal_is_told_of_once_and_stops_nothing(place: Place) -> None:
    Journal().write(new())
    place.journal.write_bytes(b"no database" * 1000)
    ended = virt_jobs("-c", QUICK, "dump", "vm-01", "core")
    assert (ended.returncode, one_line(ended.stderr)) == (0, True), ended
    assert "was damaged: it is kept as" in ended.stderr
    [aside] = place.state.glob("journal-*.db.damaged-*")
    assert aside.read_bytes() == b"no database" * 1000
    assert [record.state for record in Journal().history()] == ["completed"]
    assert virt_jobs("history").stderr == ""


@pytest.mark.parametrize("make", [precious, link_in_the_way])
def test_overwriting_takes_the_place_of_what_is_there(make: Callable[[Place], None], place: Place) -> None:
    make(place)
    if make is link_in_the_way:
        (place.folder / "core").unlink()
        (place.folder / "target").write_text("precious")
        (place.folder / "core").symlink_to("target")
    assert virt_jobs("-c", QUICK, "dump", "vm-01", "core", "--overwrite").returncode == 0
    assert (place.folder / "core").read_bytes().startswith(b"TestGuestMagic_")


@pytest.mark.terminal
def test_the_console_refuses_a_dumb_terminal() -> None:
    with terminal("-c", QUICK, term="dumb") as console:
        assert console.ends() == Exit.USAGE
        assert "TERM=dumb" in console.written.decode()
        assert console.written.count(b"\n") == 1


@pytest.mark.terminal
@pytest.mark.parametrize("term", ["", "unheard-of"])
def test_the_console_opens_on_a_terminal_that_nobody_knows(term: str) -> None:
    with terminal("-c", QUICK, term=term) as console:
        assert console.sees("vm-01", "2 domains").type("q").ends() == 0


@pytest.mark.terminal
def test_the_console_tells_of_a_journal_that_was_damaged(place: Place) -> None:
    Journal().write(new())
    place.journal.write_bytes(b"no database" * 1000)
    with terminal("-c", QUICK) as console:
        console.sees("vm-01").reads("was damaged: it is kept as").type("q").ends()
    assert len(list(place.state.glob("journal-*.db.damaged-*"))) == 1
