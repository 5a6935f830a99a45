"""The doctor on real daemons: one that is well, one that may only be read, one that hangs."""

from __future__ import annotations

import signal
import time

import pytest

from backend.libvirt.connection.pool import DEADLINE
from tests.cli.test_doctor import SIMULATOR, doctor
from tests.hypervisor.daemon import PrivateDaemon

pytestmark = pytest.mark.hypervisor


def test_the_real_one() -> None:
    told = doctor("-c", "qemu:///system")
    assert told.the("connection", "qemu:///system")["text"].startswith("QEMU")
    assert "not kdump-lzo" in told.the("formats", "qemu:///system")["text"]
    assert "free" in told.the("dumps go to", "qemu:///system")["text"]
    assert "version unknown" not in told.the("libvirt binding")["text"]


def test_a_read_only_user_is_told_what_they_may_not() -> None:
    told = doctor("-r", "-c", "qemu:///system")
    assert "not dump, abort, resume, share results" in told.the("may", "qemu:///system")["text"]


def test_hosts_that_do_not_answer_cost_seconds_together_and_hide_nothing(daemon: PrivateDaemon) -> None:
    daemon.signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        silent = [daemon.uri, *(f"{daemon.uri}&also={number}" for number in range(3))]
        told = doctor(*(word for uri in (*silent, SIMULATOR) for word in ("-c", uri)))
    finally:
        daemon.signal(signal.SIGCONT)
    assert time.monotonic() - begun < len(silent) * DEADLINE
    assert told.the("connection", SIMULATOR)["mark"] == "ok"
    assert (told.code, told.the("connection", daemon.uri)["mark"]) == (1, "attention")
    assert "no answer within 5 s" in told.the("connection", daemon.uri)["text"]
