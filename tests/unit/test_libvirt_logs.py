"""Where the logs of libvirt's domains are, without any daemon."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from backend.errors import NotSupported, OperationFailed
from backend.libvirt.host.logs import log_file


@pytest.fixture
def path() -> Iterator[Path]:
    """Of a socket: short."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder) / "socket"


@pytest.mark.parametrize(
    ("uri", "folder"),
    [
        ("qemu:///system", "/var/log/libvirt/qemu"),
        ("qemu+unix:///system?socket=/run/other", "/var/log/libvirt/qemu"),
        ("lxc:///system", "/var/log/libvirt/lxc"),
        ("xen:///system", "/var/log/libvirt/libxl"),
    ],
)
def test_those_of_the_system_are_in_its_log_folder(uri: str, folder: str) -> None:
    assert log_file(uri, "we[ir]d ünïcode", True) == Path(folder) / "we[ir]d ünïcode.log"


def test_those_of_a_session_are_in_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert log_file("qemu:///session", "vm", True) == Path("/cache/libvirt/qemu/log/vm.log")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert log_file("qemu:///session", "vm", True) == Path("/home/me/.cache/libvirt/qemu/log/vm.log")


def test_another_session_says_by_its_own_environment_where_its_cache_is(path: Path) -> None:
    own = os.environ.get("XDG_CACHE_HOME") or f"{os.environ['HOME']}/.cache"
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(str(path))
        daemon.listen()
        found = log_file(f"qemu+unix:///session?socket={path}", "vm", True)
    assert found == Path(own) / "libvirt/qemu/log/vm.log"


def test_a_session_whose_daemon_is_gone_is_an_error_in_one_line(path: Path) -> None:
    with pytest.raises(OperationFailed, match=r"where its daemon keeps logs is not known: .*No such file"):
        log_file(f"qemu+unix:///session?socket={path}", "vm", True)


@pytest.mark.parametrize("uri", ["qemu+ssh://hv7/system", "qemu:///system"])
def test_that_of_another_host_is_named(uri: str) -> None:
    with pytest.raises(NotSupported, match=r"on another host, /var/log/libvirt/qemu/vm\.log there"):
        log_file(uri, "vm", False)
    with pytest.raises(NotSupported, match=r"on another host, below ~/\.cache/libvirt/qemu/log there"):
        log_file("qemu+ssh://hv7/session", "vm", False)


@pytest.mark.parametrize("uri", ["test:///default", "esx://host/", "lxc:///session"])
def test_drivers_without_logs_say_so(uri: str) -> None:
    with pytest.raises(NotSupported, match="has no logs of its domains"):
        log_file(uri, "vm", True)


def test_a_name_that_libvirt_does_not_allow_leads_nowhere_else() -> None:
    with pytest.raises(NotSupported):
        log_file("qemu:///system", "../../../root/secret", True)
