"""What doctor makes of the facts."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import replace

import pytest

from backend.capabilities import Capabilities
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.errors import NoConnection
from backend.libvirt.connection.binding import Binding
from backend.model import Domain, DomainKey, DomainState
from backend.observing.checkup import Checkup
from backend.records import process
from backend.records.host import Claim
from backend.running.place import Place
from backend.running.scope import Login, LogoutCheck
from tui.cli import findings
from tui.cli.findings import Finding, Mark, StateFacts, WitnessFacts

URI = "qemu:///system"
ABLE = Capabilities("QEMU 7.2.22, libvirt 9.0.0", True, dict.fromkeys(FORMAT_NAMES), dict.fromkeys(DumpFlags))
DOMAIN = Domain(DomainKey("u", 1, "db-01"), DomainState.RUNNING, memory=4 << 30)
HEALTHY = Checkup(URI, False, None, ABLE, [DOMAIN], (), 0.012)


def the(subject: str, found: list[Finding]) -> Finding:
    [finding] = [finding for finding in found if finding.subject == subject]
    return finding


def of_host(found: Checkup, needed: bool = True) -> list[Finding]:
    return list(findings.of_host(found, needed))


def test_a_healthy_host_needs_nothing() -> None:
    found = of_host(HEALTHY)
    assert {finding.mark for finding in found} == {Mark.OK}
    assert the("connection", found).text == "QEMU 7.2.22, libvirt 9.0.0; 1 domain, 1 running; answered in 12 ms"


@pytest.mark.parametrize(("needed", "mark"), [(True, Mark.ATTENTION), (False, Mark.NOTE)])
def test_one_that_does_not_answer_says_what_to_do(needed: bool, mark: Mark) -> None:
    error = NoConnection("cannot connect: Connection refused; it is not up; start it")
    [finding] = of_host(Checkup(URI, False, error), needed)
    assert finding == Finding("connection", mark, "cannot connect: Connection refused; it is not up", "start it", URI)


def test_what_was_connected_to_and_then_fell_silent_needs_attention() -> None:
    found = of_host(replace(HEALTHY, error=NoConnection("lost"), domains=()), needed=False)
    assert the("connection", found).mark is Mark.ATTENTION
    assert the("formats", found).mark is Mark.OK


def test_what_cannot_be_done_is_told_with_its_reason() -> None:
    able = replace(ABLE, formats=ABLE.formats | {"kdump-lzo": "not built", "kdump-snappy": "not built"})
    text = the("formats", of_host(replace(HEALTHY, capabilities=able))).text
    assert text == "elf, kdump-zlib, win-dmp, raw; not kdump-lzo, kdump-snappy: not built"


def test_what_nobody_asked_the_hypervisor_is_not_promised() -> None:
    able = replace(ABLE, local=False)
    assert the("formats", of_host(replace(HEALTHY, capabilities=able))).text.endswith("raw; if its QEMU has them")


def test_a_read_only_user_is_told_what_they_may_not() -> None:
    why = "the connection is read-only"
    able = replace(ABLE, dump=why, abort=why, resume=why, shared_records=why, dump_events=why)
    found = of_host(replace(HEALTHY, readonly=True, capabilities=able))
    expected = f"list and watch; not dump, abort, resume, share results: {why}"
    assert (the("may", found).mark, the("may", found).text) == (Mark.NOTE, expected)
    assert the("events", found).mark is Mark.NOTE


def test_a_domain_left_paused_needs_attention_and_names_the_command() -> None:
    left = Domain(DomainKey("uuid", 1, "-odd name"), DomainState.PAUSED, "saving")
    finding = the("left paused", of_host(replace(HEALTHY, left_paused=[left])))
    assert finding.text == "-odd name, by a save that is no longer running"
    assert (finding.mark, finding.todo) == (Mark.ATTENTION, "virt-jobs -c qemu:///system resume -- '-odd name'")


@pytest.mark.parametrize(
    ("place", "writable", "mark", "words"),
    [
        (Place(folder=True, free=8 << 30), None, Mark.OK, "8.0 GiB free"),
        (Place(folder=True, free=1 << 30), None, Mark.ATTENTION, "less than the 4.0 GiB of the largest running domain"),
        (Place(folder=False), None, Mark.ATTENTION, "which does not exist"),
        (Place(folder=True, free=8 << 30), False, Mark.ATTENTION, "not writable for this user"),
        (Place(folder=None), None, Mark.NOTE, "not visible to this user"),
        (None, None, Mark.NOTE, "free space unknown (remote host)"),
    ],
)
def test_where_dumps_go(place: Place | None, writable: bool | None, mark: Mark, words: str) -> None:
    finding = findings.of_place(HEALTHY, "/dumps/x.elf", place, writable)
    assert (finding.mark, words in finding.text) == (mark, True), finding


@pytest.mark.parametrize(
    ("state", "mark", "text", "todo"),
    [
        (StateFacts("/a b"), Mark.OK, "will be created", ""),
        (StateFacts("/a b", error="Read-only file system"), Mark.ATTENTION, "no dump can be started", "XDG_STATE_HOME"),
        (StateFacts("/a b", True, True, 0o40700), Mark.OK, "private", ""),
        (StateFacts("/a b", True, True, 0o40755), Mark.ATTENTION, "accessible to other users", "chmod 700 '/a b'"),
        (StateFacts("/a b", True, False, 0o40700), Mark.ATTENTION, "no dump can be started", "as root: chown -R "),
        (
            StateFacts("/a b", True, True, 0o40700, "Read-only file system"),
            Mark.ATTENTION,
            "cannot be written to (Read-only file system): no dump can be started",
            "set XDG_STATE_HOME to a folder of your own",
        ),
        (
            StateFacts("/a b", True, True, 0o40700, os.strerror(errno.ENOSPC)),
            Mark.ATTENTION,
            "(No space left on device): no dump can be started",
            "make room there",
        ),
    ],
)
def test_the_state_folder(state: StateFacts, mark: Mark, text: str, todo: str) -> None:
    finding = findings.of_state(state)
    assert (finding.mark, text in finding.text, todo in finding.todo) == (mark, True, True), finding


def test_the_summary_counts_what_needs_attention() -> None:
    [note, problem, fine] = (Finding("x", mark, "") for mark in (Mark.NOTE, Mark.ATTENTION, Mark.OK))
    assert findings.summary([fine]) == "no problems, 0 notes"
    assert findings.summary([fine, note, note]) == "no problems, 2 notes"
    assert findings.summary([problem, note, fine, problem]) == "2 problems, 1 note: see the lines marked attention"


def test_a_record_whose_runner_died_is_stale() -> None:
    record = process.running(process.new_record(DumpRequest(DOMAIN.key, "/x"), URI))
    dead = replace(record, pid=2**22 + 1)
    [journal, stale] = findings.of_journal(3, [record, dead])
    assert journal.text == "3 dumps on record, 1 of them running"
    assert stale.mark is Mark.NOTE
    assert "virt-jobs -c qemu:///system wait db-01 --last" in stale.todo


@pytest.mark.parametrize(
    ("check", "mark", "words"),
    [
        (LogoutCheck(Login(1000, "dora", False, False, False)), Mark.OK, "systemd is not running here"),
        (LogoutCheck(Login(0, "root", True, False, False)), Mark.OK, "ends no dump: each gets a systemd scope"),
        (LogoutCheck(Login(1000, "dora", True, True, False), None, True), Mark.OK, "ends no dump"),
        (
            LogoutCheck(Login(1000, "dora", True, False, False), None, True),
            Mark.ATTENTION,
            "results are lost (logind: Kill",
        ),
        (LogoutCheck(Login(1000, "dora", True, False, False), None, False), Mark.NOTE, "ends no dump (logind leaves"),
        (LogoutCheck(Login(1000, "dora", True, False, False), "x", None), Mark.NOTE, "logind does not say"),
        # The terminal is a service of the user's manager, which ends at logout whatever logind spares.
        (LogoutCheck(Login(1000, "dora", True, False, True), None, False), Mark.ATTENTION, "results are lost"),
        (LogoutCheck(Login(1000, "dora", True, False, True), "Refused", False), Mark.ATTENTION, "results are lost"),
        (LogoutCheck(Login(1000, "dora", True, True, False), "Refused", True), Mark.ATTENTION, "no scope for them: R"),
        (LogoutCheck(Login(0, "root", True, False, False), "Refused", False), Mark.NOTE, "no scope for them: Refused"),
    ],
)
def test_what_a_logout_does(check: LogoutCheck, mark: Mark, words: str) -> None:
    finding = findings.of_logout(check)
    assert (finding.mark, words in finding.text) == (mark, True), finding
    assert (finding.todo != "") is (mark is not Mark.OK)
    if "lingering" in finding.text or check.login.in_user_manager:
        assert finding.todo == "loginctl enable-linger dora"


def test_an_alias_that_the_config_hides_is_named() -> None:
    finding = findings.of_libvirt_conf("/c", {"lab": "qemu:///a", "far": "qemu:///b"}, "far", {"lab": "qemu:///c"})
    assert finding.text == "/c: aliases lab, far; uri_default far; overridden by the config: lab"


def test_no_binding_says_how_to_get_one() -> None:
    finding = findings.of_binding("No module named 'libvirt'", "install it")
    assert (finding.mark, finding.todo) == (Mark.ATTENTION, "install it")
    assert findings.of_binding(Binding("9.0.0", "9.0.0"), "").mark is Mark.OK


RUNNING = Claim(1, "1.0", 1e9, (URI,), running=True)
GONE = replace(RUNNING, running=False)
FACTS = WitnessFacts("joe", claim=RUNNING, jobs=3)


@pytest.mark.parametrize(
    ("facts", "mark", "text"),
    [
        (FACTS, Mark.OK, "running since 2001-09-09 .*, version 1.0; remembers 3 jobs"),
        (replace(FACTS, for_group=False), Mark.OK, "only root can read it"),
        (
            replace(FACTS, claim=replace(RUNNING, version="0.9")),
            Mark.NOTE,
            "restart it for version 1.0: systemctl restart",
        ),
        (
            replace(FACTS, claim=GONE, installed=True),
            Mark.ATTENTION,
            "not running; remembers 3 jobs .*systemctl enable",
        ),
        (replace(FACTS, claim=GONE), Mark.NOTE, "not running; remembers 3 jobs"),
        (WitnessFacts("joe"), Mark.NOTE, "none on this host: how a job ended is lost if nobody watched it"),
        (WitnessFacts("joe", hidden=True), Mark.NOTE, "usermod -aG libvirt joe"),
        (replace(FACTS, error="it was damaged"), Mark.ATTENTION, "it was damaged"),
    ],
)
def test_the_witness(facts: WitnessFacts, mark: Mark, text: str) -> None:
    finding = findings.of_witness(facts, "1.0")
    assert finding.mark is mark
    assert re.search(text, f"{finding.text} {finding.todo}"), finding
