"""Hosts are called by their names where people read, and by their URIs where programs do."""

from __future__ import annotations

import json
import socket

import pytest

from backend.records.journal import Journal
from backend.records.record import RecordState
from tests.cli.command import virt_jobs
from tests.unit.test_journal import keep
from tests.unit.test_record import new

REMOTE = (
    "qemu+ssh://root@hv7.example.org/system",
    "qemu+ssh://root@hv7.example.com/system",
    "lxc+ssh://hv8.example.com/",
)


def test_the_history_names_them_as_short_as_they_are_told_apart() -> None:
    over = {"state": RecordState.COMPLETED, "ended": 5.0}
    keep(Journal(), *(new(domain=f"vm-{number}", uri=uri, **over) for number, uri in enumerate(REMOTE)))
    _, _, *lines = virt_jobs("history").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["hv8", "hv7.example.com", "hv7.example.org"]
    uris = [json.loads(line)["uri"] for line in virt_jobs("history", "--json").stdout.splitlines()]
    assert uris == list(reversed(REMOTE))


@pytest.mark.binding
def test_an_error_that_has_the_uri_in_it_names_the_host_only_once() -> None:
    ended = virt_jobs("-c", "qemu+tcp://127.0.0.1:1/system", "-c", "sim:///a?domains=1", "list")
    assert ended.stderr.startswith("virt-jobs: cannot connect to qemu+tcp://127.0.0.1:1/system: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.binding
def test_what_is_to_be_chosen_with_c_is_what_c_takes() -> None:
    ended = virt_jobs("-c", "sim:///a?domains=1", "-c", "sim:///b?domains=1", "info", "vm-01")
    assert "is on sim:///a?domains=1, sim:///b?domains=1: choose one of them, as in: virt-jobs -c" in ended.stderr


@pytest.mark.hypervisor
def test_the_local_libvirt_has_the_name_of_this_machine() -> None:
    lines = virt_jobs("-c", "qemu:///system", "-c", "sim:///a?domains=1", "list").stdout.splitlines()[2:]
    assert {line.split()[0] for line in lines} <= {socket.gethostname().partition(".")[0], "sim:///a"}
