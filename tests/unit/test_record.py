"""Records survive their journeys through XML, SQLite and hostile hands."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.model import DomainKey
from backend.records import codec, process
from backend.records.codec import InvalidRecord
from backend.records.machine import FIRST_NAMESPACE, Machine
from backend.records.record import JobRecord, RecordState, newest_first

REQUEST = DumpRequest(DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "we[ir]d [/x] ünïcode"), "/dumps/a b")


def new(**others: object) -> JobRecord:
    return replace(process.new_record(REQUEST, "qemu:///system"), **others)  # type: ignore[arg-type]


printable = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Cn", "Co"]), max_size=50)
records = st.builds(
    new,
    domain=printable.filter(bool),
    path=printable.filter(bool),
    domain_id=st.none() | st.integers(0, 2**31),
    format=st.sampled_from(DumpFormat),
    flags=st.integers(0, 31).map(DumpFlags),
    state=st.sampled_from(RecordState),
    ended=st.none() | st.floats(0, 2**33),
    error=printable,
    code=st.none() | st.integers(0, 200),
    bytes=st.none() | st.integers(0, 2**62),
)


@given(records)
def test_xml_brings_back_the_same_record(record: JobRecord) -> None:
    assert codec.from_xml(codec.to_xml(record)) == record


@given(st.text(max_size=300))
def test_any_text_is_a_record_or_is_refused(text: str) -> None:
    with pytest.raises(InvalidRecord):
        codec.from_xml(text)


@given(
    st.dictionaries(
        st.sampled_from(["id", "uri", "uuid", "domain", "path", "format", "flags", "user", "started", "state", "pid"]),
        st.one_of(st.text(max_size=5000), st.integers(), st.floats()).map(str),
    )
)
def test_any_attributes_are_a_record_or_are_refused(attributes: dict[str, str]) -> None:
    values = codec.to_xml(new())
    assert values
    try:
        found = codec.from_values(attributes)
    except InvalidRecord:
        return
    assert all(getattr(found, name) is not None for name in attributes)


def test_text_from_metadata_is_cleaned() -> None:
    xml = codec.to_xml(new(path="/dumps/a\u202eb"))
    assert codec.from_xml(xml).path == "/dumps/a\\u202eb"


def test_the_xml_is_one_element_that_leaves_the_namespace_to_libvirt() -> None:
    assert codec.to_xml(new()).startswith("<job ")
    assert "xmlns" not in codec.to_xml(new())


HERE = Machine("2e7d", "a boot", FIRST_NAMESPACE)
CONTAINER = replace(HERE, namespace=4026532000)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that is no container, whatever this one is."""
    monkeypatch.setattr(process, "this_machine", lambda: HERE)
    return HERE


def test_this_process_is_alive_and_a_dead_one_is_not(here: Machine) -> None:
    alive = process.running(new())
    assert process.runner_alive(alive) is True
    assert process.runner_alive(replace(alive, pid_start="another boot:1")) is False


def test_a_runner_may_have_a_name_that_is_no_text() -> None:
    name = Path(f"/proc/{os.getpid()}/comm")
    before = name.read_bytes()
    name.write_bytes(b"\xff) R (")
    try:
        assert process.runner_alive(process.running(new())) is True
    finally:
        name.write_bytes(before.rstrip(b"\n"))


def running_on(machine: Machine, host: str = "", **others: object) -> JobRecord:
    """A record whose runner, not this process, is on that machine."""
    record = process.running(new(**others))
    user = f"root@{host or record.host}"
    pid_start = record.pid_start.replace(record.boot, machine.boot, 1)
    return replace(record, user=user, machine=machine.id, namespace=machine.namespace, pid_start=pid_start)


@pytest.mark.parametrize(
    ("machine", "host", "alive"),
    [
        pytest.param(HERE, "", True, id="this one"),
        pytest.param(HERE, "renamed", True, id="the same kernel under another name"),
        pytest.param(replace(HERE, id="another"), "", True, id="the same kernel, another installation"),
        pytest.param(replace(HERE, boot="earlier"), "", False, id="before a reboot"),
        pytest.param(replace(HERE, id="b", boot="b"), "elsewhere", None, id="another host"),
        pytest.param(replace(HERE, id="b", boot="b"), "", None, id="a clone with a machine id of its own"),
        pytest.param(replace(HERE, boot="b"), "elsewhere", None, id="a clone that has our machine id"),
        pytest.param(replace(HERE, id="", boot="b"), "", None, id="no machine id"),
        pytest.param(CONTAINER, "", None, id="a container on this host"),
        pytest.param(replace(CONTAINER, boot="b"), "", None, id="a container that may be another host's"),
        pytest.param(Machine("", "", 0), "elsewhere", None, id="another host, an older version"),
    ],
)
def test_a_runner_is_judged_only_where_its_pid_means_something(
    here: Machine, machine: Machine, host: str, alive: bool | None
) -> None:
    assert process.runner_alive(running_on(machine, host)) is alive
    if alive:
        assert process.runner_alive(replace(running_on(machine, host), pid_start=f"{HERE.boot}:1")) is False


def test_containers_with_the_machine_id_of_their_image_do_not_judge_each_others_runners(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "this_machine", lambda: CONTAINER)
    assert process.runner_alive(running_on(CONTAINER)) is True
    assert process.runner_alive(running_on(replace(CONTAINER, boot="b"))) is None
    assert process.runner_alive(running_on(HERE)) is None


def test_a_record_of_an_older_version_is_judged_by_the_name_of_its_host() -> None:
    old = replace(process.running(new()), machine="", namespace=0, started_uptime=None)
    assert process.runner_alive(old) is True
    assert process.runner_alive(replace(old, pid_start="another boot:1")) is False
    assert process.runner_alive(replace(old, pid=0, state=RecordState.STARTING)) is None


def test_the_machine_id_itself_is_not_published() -> None:
    raw = Path("/etc/machine-id").read_text().strip() if Path("/etc/machine-id").exists() else ""
    assert not raw or raw not in codec.to_xml(new())


def test_a_process_that_proc_hides_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    record = replace(process.running(new()), pid=2**22 + 1)  # No pid is as large.
    assert process.runner_alive(record) is False
    monkeypatch.setattr(os, "kill", refuse)
    assert process.runner_alive(record) is None


def test_a_record_whose_requester_died_before_its_runner_began_is_lost() -> None:
    record = new()
    assert (process.runner_alive(record), process.current_state(record)) == (True, RecordState.STARTING)
    orphan = replace(record, pid_start=f"{record.boot}:1")
    assert process.current_state(orphan) is RecordState.STARTING  # Its runner may still be on its way.
    assert record.started_uptime is not None
    old = replace(orphan, started_uptime=record.started_uptime - process.START_GRACE)
    assert (process.runner_alive(old), process.current_state(old)) == (False, RecordState.LOST)


def test_the_age_of_a_record_is_not_read_off_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    orphan = replace(new(), pid_start=f"{new().boot}:1")
    for step in (-3600.0, 3600.0):
        assert process.current_state(replace(orphan, started=orphan.started + step)) is RecordState.STARTING


def test_how_long_a_dump_took_does_not_depend_on_the_wall_clock() -> None:
    record = replace(new(), started=5000.0, started_uptime=100.0, ended=4000.0, ended_uptime=107.5)
    assert record.seconds == 7.5
    assert replace(record, ended_uptime=None).seconds == 0.0
    assert replace(record, ended=5003.0, started_uptime=None).seconds == 3.0


def test_the_newest_record_is_the_one_that_was_begun_last_whatever_the_clock_says() -> None:
    first = replace(new(), id="first", started=5000.0, started_uptime=100.0)
    second = replace(first, id="second", started=4000.0, started_uptime=200.0)  # The clock was set back.
    rebooted = replace(first, id="rebooted", started=9000.0, started_uptime=50.0, pid_start="later:1")
    old = replace(first, id="old", started=7000.0, started_uptime=None)
    newest = [record.id for record in newest_first([first, old, rebooted, second])]
    assert newest == ["rebooted", "old", "second", "first"]


def test_what_a_newer_version_adds_to_a_record_is_left_out() -> None:
    record = new()
    assert codec.from_xml(codec.to_xml(record).replace("<job ", '<job colour="red" ', 1)) == record


def test_a_record_whose_runner_died_is_known_as_lost(here: Machine) -> None:
    dead = replace(process.running(new()), pid_start="another boot:1")
    assert process.current_state(dead) is RecordState.LOST


@pytest.mark.parametrize(
    ("uri", "shared"),
    [
        ("qemu+ssh://root:hunter2@hv7/system", "qemu+ssh://root@hv7/system"),
        ("qemu+ssh://root@hv7:2222/system", "qemu+ssh://root@hv7:2222/system"),
        ("sim:///a:b@c", "sim:///a:b@c"),
        ("qemu:///system", "qemu:///system"),
    ],
)
def test_a_password_in_the_uri_is_shared_with_nobody(uri: str, shared: str) -> None:
    assert codec.from_xml(codec.to_xml(new(uri=uri))).uri == shared


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
HOSTILE = {
    "billion laughs": f"<!DOCTYPE job [{LAUGHS}]><job id='&l11;'/>",
    "external entity": '<!DOCTYPE job [<!ENTITY x SYSTEM "file:///etc/passwd">]><job id="&x;"/>',
    "deep": "<job>" + "<a>" * 9000 + "</a>" * 9000 + "</job>",
    "long": f"<job id='{'x' * 70_000}'/>",
    "many attributes": "<job " + " ".join(f"a{n}='1'" for n in range(5000)) + "/>",
    "surrogate": "<job id='\ud800'/>",
    "NUL": "<job id='\0'/>",
    "another element": codec.to_xml(new()).replace("<job ", "<jobs ", 1),
    "another encoding": "<?xml version='1.0' encoding='utf-16'?><job/>",
    "digits": codec.to_xml(new(pid=1)).replace('pid="1"', f'pid="{"9" * 5000}"'),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_made_to_do_harm_is_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        codec.from_xml(text)
    assert len(str(caught.value)) < 200
