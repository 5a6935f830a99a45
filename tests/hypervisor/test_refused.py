"""Connections that libvirt refuses: one line that says what to do, whatever the reason."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from backend.credentials import CredentialsNeeded
from backend.errors import InvalidURI, NoConnection, NotPermitted
from backend.libvirt.connection.connect import connect
from tests.hypervisor.daemon import PrivateDaemon
from tests.language import in_english

pytestmark = pytest.mark.hypervisor

NOBODY = 65534


@pytest.fixture
def locked(tmp_path: Path) -> str:
    """A URI that asks for a name and a password: the driver for tests has a lock of its own."""
    machine = tmp_path / "locked.xml"
    machine.write_text("<node><auth><user password='s3cret'>bill</user></auth></node>")
    return f"test://{machine}"


@pytest.mark.parametrize(
    ("uri", "kind", "advice"),
    [
        ("qemu+unix:///system?socket=/nonexistent", NoConnection, "no libvirt daemon listens on that socket"),
        ("qemu+tcp://127.0.0.1:9/system", NoConnection, "no libvirt daemon accepts tcp connections there"),
        ("qemu+ssh://root@127.0.0.1:9/system", NoConnection, "in a terminal: ssh -p 9 root@127.0.0.1 true"),
        ("qemu+tls://127.0.0.1/system", NoConnection, "certificate"),
        ("nonsense", InvalidURI, "nor an alias in virt-jobs' config or libvirt.conf"),
        ("qemu:///sytem", InvalidURI, f"{in_english('try ')}qemu:///system"),
    ],
)
def test_the_line_ends_with_what_to_do(uri: str, kind: type[Exception], advice: str) -> None:
    with pytest.raises(kind, match=f"cannot connect to .*{advice}"):
        connect(uri, readonly=False)


def test_a_daemon_that_ended_has_left_nobody_to_talk_to(daemon: PrivateDaemon) -> None:
    daemon.stop()
    with pytest.raises(NoConnection, match="no libvirt daemon listens on that socket"):
        connect(daemon.uri, readonly=False)


def test_a_socket_of_others_names_the_group_to_join(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        os.chown(path, 0, 10)
        path.chmod(0o770)
        ended = as_nobody(f"qemu+unix:///system?socket={path}", tmp_path)
    assert ended.stdout == "NotPermitted\n"
    assert "join the group uucp and log in again, or use -r for a read-only connection" in ended.stderr


def as_nobody(uri: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `connect` says in a process that has loaded everything and then has no rights any more."""
    for above in (folder, *folder.parents):
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)
    code = (
        "import os, sys\n"
        "from backend.errors import BackendError\n"
        "from backend.libvirt.connection.connect import connect\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try:\n"
        "    connect(sys.argv[1], readonly=False)\n"
        "except BackendError as error:\n"
        "    print(type(error).__name__); print(error.message, file=sys.stderr)\n"
    )
    environment = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code, uri], capture_output=True, text=True, timeout=30, check=False, env=environment
    )


def test_where_nobody_is_to_be_asked_the_questions_are_told(locked: str) -> None:
    with pytest.raises(CredentialsNeeded, match=r"Enter username for localhost.*auth\.conf") as refused:
        connect(locked, readonly=False)
    assert isinstance(refused.value, NotPermitted)


def test_a_command_asks_on_its_terminal(locked: str) -> None:
    user = pexpect.spawn(sys.executable, ["-m", "tui", "-c", locked, "list"], encoding="utf-8", timeout=30)
    user.expect("Enter username for localhost: ")
    user.sendline("bill")
    user.expect("Enter bill's password for localhost: ")
    user.sendline("s3cret")
    user.expect("Id   Name")
    assert "s3cret" not in str(user.before)
    user.expect(pexpect.EOF)
    user.close()
    assert user.exitstatus == 0


def test_a_wrong_answer_is_refused_in_one_line(locked: str) -> None:
    user = pexpect.spawn(sys.executable, ["-m", "tui", "-c", locked, "list"], encoding="utf-8", timeout=30)
    user.expect("username")
    user.sendline("bill")
    user.expect("password")
    user.sendline("wrong")
    user.expect("cannot connect to .*authentication failed")
    user.expect(pexpect.EOF)
    user.close()
    assert user.exitstatus == 7


def test_ctrl_c_at_the_question_gives_the_terminal_back_as_it_was(locked: str) -> None:
    command = f"{sys.executable} -m tui -c {locked} list; echo ended $?; stty -a"
    user = pexpect.spawn("bash", ["-c", command], encoding="utf-8", timeout=30)
    user.expect("username")
    user.sendline("bill")
    user.expect("password")
    user.waitnoecho()
    user.sendintr()
    user.expect("ended 130")
    user.expect("[ -]echo ")
    assert str(user.after).startswith(" ")
