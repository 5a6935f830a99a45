"""Whatever goes wrong before a job: one line that says what, why and what to do, an exit code, and nothing is lost."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
import pytest

from backend.journal import SCHEMA, Journal
from tests.cli.test_edges import one_line, virt_jobs
from tests.contract.steps import PATIENCE
from tests.tui.terminal import terminal
from tests.unit.test_record import new
from tui.cli.exits import Exit

SIM = "sim:///errors?domains=2&jobs=0&memory=1"
SLOW = "sim:///slow?domains=2&jobs=0&memory=64&rate=8"
NO_DAEMON = "qemu+unix:///system?socket=/nonexistent/socket"


@dataclass(frozen=True)
class Place:
    """Where a row takes place."""

    folder: Path
    state: Path
    """virt-jobs' own folder in the state home; not there yet."""

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

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
    uri: str | None = SIM
    scene: Callable[[Place], None] = nothing
    env: dict[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        words = shlex.split(self.command) if isinstance(self.command, str) else [*self.command]
        return [*(["-c", self.uri] if self.uri is not None else []), *words]

    @property
    def name(self) -> str:
        scene = "" if self.scene is nothing else f" [{self.scene.__qualname__.split('.')[0]}]"
        return f"{shlex.join(self.arguments[2 if self.uri == SIM else 0 :])[:60]!a}{scene}"


USAGE = [
    Row("frobnicate", Exit.USAGE, "frobnicate", "--help"),
    Row("list --frobnicate", Exit.USAGE, "--frobnicate", "--help"),
    Row("list vm-01", Exit.USAGE, "vm-01", "--help"),
    Row("info", Exit.USAGE, "DOMAIN", "--help"),
    Row("abort", Exit.USAGE, "DOMAIN", "--help"),
    Row("resume", Exit.USAGE, "DOMAIN", "--help"),
    Row("wait", Exit.USAGE, "DOMAIN", "--help"),
    Row("inspect", Exit.USAGE, "FILE", "--help"),
    Row("history a b", Exit.USAGE, "b", "--help"),
    Row("config x", Exit.USAGE, "x", "--help"),
    Row("wait vm-01 --timeout soon", Exit.USAGE, "'soon'", "--help"),
    Row("wait vm-01 --timeout -1", Exit.USAGE, "-1", "--help"),
    Row("wait vm-01 --operation nap", Exit.USAGE, "'nap'", "migration-out"),
    Row("wait vm-01 --trust me", Exit.USAGE, "'me'", "'qemu'"),
    Row("dump", Exit.USAGE, "DOMAIN", "--help"),
    Row("dump vm-01", Exit.USAGE, "missing required argument FILE", "--help"),
    Row(["dump", "vm-01", ""], Exit.USAGE, "missing required argument FILE", "--help"),
    Row("dump vm-01 core --wait", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 --wait --crash", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 --wait --format elf", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 --wait --overwrite", Exit.USAGE, "--wait cannot be used with any other option"),
    Row("dump vm-01 core --crash --reset", Exit.USAGE, "mutually exclusive"),
    Row("dump vm-01 core --format png", Exit.USAGE, "'png'", "'kdump-zlib'"),
    Row("dump vm-01 core --format raw --memory-only", Exit.USAGE, "--memory-only does not go with raw", "elf"),
    Row("", Exit.USAGE, "the console needs a terminal", "virt-jobs list --json"),
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
    Row(["dump", "vm-01", "d/" * 3000 + "core"], Exit.USAGE, "where 4095 are the most", "choose a shorter one"),
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
    Row("wait vm-01", Exit.NO_JOB, "vm-01 has no job to wait for"),
    Row("wait vm-01 --last", Exit.NO_JOB, "vm-01 has no job to wait for"),
    Row("abort vm-01", Exit.NO_JOB, "no job is active"),
    Row("resume vm-01", Exit.FAILED, "already running"),
    Row("-r dump vm-01 core", Exit.UNREACHABLE, "read only access prevents"),
    Row("-r resume vm-01", Exit.UNREACHABLE, "read only access prevents"),
    Row("list", Exit.USAGE, "no option 'colour'", "there are domains", uri="sim:///x?colour=red"),
    Row("list", Exit.USAGE, "domains=many is no whole number", "from 0 to", uri="sim:///x?domains=many"),
    Row("list", Exit.USAGE, "a simulator has no host", "three slashes: sim:///x", uri="sim://x"),
    Row("list", Exit.USAGE, "Invalid IPv6 URL", uri="http://["),
    Row("list", Exit.USAGE, "has characters in it that cannot be shown", uri="sim:///a\nb"),
    Row("wait vm", Exit.USAGE, "has characters in it that cannot be shown", uri="sim:///a\udcff"),
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
    Row("list", Exit.USAGE, "config.toml:2: colour: unknown", "there are ascii", scene=broken_config("\ncolour = 1")),
    Row("list", Exit.USAGE, "config.toml:1: not valid TOML", scene=broken_config("[[[")),
    Row("list", Exit.USAGE, "config.toml: must be UTF-8", scene=broken_config("\udcff")),
]
ROWS = [*USAGE, *PATHS, *HYPERVISORS, *STATE, *CONFIG]


@pytest.fixture
def place(tmp_path: Path, state_home: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Place(folder, state_home / "virt-jobs")


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
    ended = virt_jobs("-c", SIM, "dump", "vm-01", "core")
    assert (ended.returncode, one_line(ended.stderr)) == (0, True), ended
    assert "was damaged: it is kept as" in ended.stderr
    [aside] = place.state.glob("journal.db.damaged-*")
    assert aside.read_bytes() == b"no database" * 1000
    assert [record.state for record in Journal().history()] == ["completed"]
    assert virt_jobs("history").stderr == ""


def shell(command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What bash makes of it, ``virt-jobs`` being this one's."""
    ours = f"virt-jobs() {{ {shlex.join([sys.executable, '-m', 'tui'])} \"$@\"; }}; SIM='{SIM}' SLOW='{SLOW}'; "
    return subprocess.run(
        ["bash", "-c", ours + command],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("options", ["list", "list --json", "info vm-01", "--help", "config"])
def test_output_onto_a_full_disk_is_one_line(options: str) -> None:
    ended = shell(f"virt-jobs -c $SIM {options} > /dev/full")
    assert ended.returncode == Exit.FAILED
    assert ended.stderr == "virt-jobs: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("reader", ["head -n 0", "head -n 1", "true"])
def test_a_reader_that_goes_away_ends_a_listing_without_a_word(reader: str) -> None:
    ended = shell(f"virt-jobs -c 'sim:///many?domains=3000' list | {reader}; exit ${{PIPESTATUS[0]}}")
    assert (ended.returncode, ended.stderr) == (Exit.DETACHED, "")


@pytest.mark.parametrize("output", ["| head -n 1", "| true", "> /dev/full"])
def test_a_wait_whose_output_is_lost_says_how_to_attach_again(output: str, tmp_path: Path) -> None:
    assert shell(f"virt-jobs -c $SLOW dump vm-01 {tmp_path}/core --detach").returncode == 0
    ended = shell(f"virt-jobs -c $SLOW wait vm-01 --json {output}; exit ${{PIPESTATUS[0]}}")
    assert ended.returncode == Exit.DETACHED
    last = ended.stderr.splitlines()[-1]
    assert "the job goes on. Attach again with: virt-jobs -c" in last
    assert ("cannot write the output" in ended.stderr) == ("/dev/full" in output)
    assert [record.state for record in Journal().pending()] == ["running"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "< /dev/full 2> /dev/full"])
@pytest.mark.parametrize(("command", "code"), [("list", 0), ("wait nobody", Exit.UNREACHABLE)])
def test_closed_streams_change_no_exit_code(closed: str, command: str, code: int, tmp_path: Path) -> None:
    ended = shell(f"virt-jobs -c $SIM {command} {closed}")
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


LOCALES = [
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "", "LANG": "xx_XX.ISO-8859-1"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1:strict"},
]


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_every_locale_is_served(locale: dict[str, str], place: Place) -> None:
    for command in ("dump vm-01 'ünï €'", "history", "history --json", "list", "inspect 'ünï €'"):
        ended = subprocess.run(
            [sys.executable, "-m", "tui", "-c", SIM, *shlex.split(command)],
            capture_output=True,
            env={**os.environ, **locale},
            timeout=PATIENCE,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, b""), command
    assert (place.folder / "ünï €").exists()


def test_a_locale_that_is_forced_to_be_ascii_is_told_of(place: Place) -> None:
    forced = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    ended = virt_jobs("-c", SIM, "dump", "vm-01", "ünï", env=forced)
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.USAGE, True)
    assert virt_jobs("-c", SIM, "list", env=forced).stdout.isascii()


ODD = ["a b", "it's", '"quoted"', "-leading", "ünï€", "a;b&c", "$HOME", "*", "\u202eevil", "../here/up"]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_dumped_to_and_its_commands_can_be_pasted(name: str, place: Place) -> None:
    ended = virt_jobs("-c", SLOW, "dump", "vm-01", "--detach", "--", name)
    assert ended.returncode == 0, ended
    assert [record.path for record in Journal().pending()] == [os.path.abspath(name)]
    pasted = ended.stdout.partition("attach with: ")[2]
    assert shell(pasted.replace("wait", "wait --timeout 0", 1)).returncode == Exit.TIMEOUT
    assert os.path.exists(name)


@pytest.mark.parametrize("make", [precious, link_in_the_way])
def test_overwriting_takes_the_place_of_what_is_there(make: Callable[[Place], None], place: Place) -> None:
    make(place)
    if make is link_in_the_way:
        (place.folder / "core").unlink()
        (place.folder / "target").write_text("precious")
        (place.folder / "core").symlink_to("target")
    assert virt_jobs("-c", SIM, "dump", "vm-01", "core", "--overwrite").returncode == 0
    assert (place.folder / "core").read_bytes().startswith(b"TestGuestMagic_")


def interrupted(*arguments: str, when: str = "") -> tuple[int, str]:
    """The exit code and all output of a command that got Ctrl-C, as a terminal sends it, once `when` was shown."""
    process = pexpect.spawn(sys.executable, ["-m", "tui", *arguments], encoding="utf-8", timeout=PATIENCE)
    process.expect_exact(when)
    process.sendintr()
    process.expect(pexpect.EOF)
    process.close()
    return process.exitstatus if process.exitstatus is not None else -process.signalstatus, process.before


def test_ctrl_c_while_it_waits_for_the_hypervisor_is_no_traceback() -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        path = f"/tmp/vj-{os.getpid()}.sock"
        listening.bind(path)
        listening.listen()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "tui", "-c", f"qemu+unix:///system?socket={path}", "list"],
                stderr=subprocess.PIPE,
                text=True,
            )
            listening.settimeout(PATIENCE)
            connection, _ = listening.accept()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE)
            connection.close()
        finally:
            os.unlink(path)
    assert process.returncode == Exit.DETACHED
    assert "Traceback" not in err


def test_ctrl_c_in_a_dump_that_is_followed_only_detaches(place: Place) -> None:
    code, shown = interrupted("-c", SLOW, "dump", "vm-01", "core", when="MiB left of")
    assert code == Exit.DETACHED
    assert "detached; the job goes on. Attach again with: virt-jobs -c" in shown
    assert "Traceback" not in shown
    code, shown = interrupted("-c", SLOW, "wait", "vm-01", when="MiB left of")
    assert (code, "Traceback" in shown) == (Exit.DETACHED, False)
    assert [record.state for record in Journal().pending()] == ["running"]


def test_ctrl_c_in_info_that_follows_ends_it(place: Place) -> None:
    assert virt_jobs("-c", SLOW, "dump", "vm-01", "core", "--detach").returncode == 0
    code, shown = interrupted("-c", SLOW, "info", "vm-01", "--follow", when="Memory total")
    assert (code, "Traceback" in shown) == (Exit.DETACHED, False)


def test_the_console_refuses_a_dumb_terminal() -> None:
    with terminal("-c", SIM, term="dumb") as console:
        assert console.ends() == Exit.USAGE
        assert "TERM=dumb" in console.written.decode()
        assert console.written.count(b"\n") == 1


@pytest.mark.parametrize("term", ["", "unheard-of"])
def test_the_console_opens_on_a_terminal_that_nobody_knows(term: str) -> None:
    with terminal("-c", SIM, term=term) as console:
        assert console.sees("vm-01", "2 domains").type("q").ends() == 0


def test_the_console_tells_of_a_journal_that_was_damaged(place: Place) -> None:
    Journal().write(new())
    place.journal.write_bytes(b"no database" * 1000)
    with terminal("-c", SIM) as console:
        console.sees("vm-01", "damaged", "kept as").type("q").ends()
    assert len(list(place.state.glob("journal.db.damaged-*"))) == 1
