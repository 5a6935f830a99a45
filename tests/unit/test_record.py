"""Records survive their journeys through XML, SQLite and hostile hands."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.model import DomainKey, DumpFlags, DumpFormat, DumpRequest
from backend.records import codec, process
from backend.records.codec import InvalidRecord
from backend.records.record import JobRecord, RecordState

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


def test_this_process_is_alive_and_a_dead_one_is_not() -> None:
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


def test_a_runner_on_another_host_cannot_be_judged() -> None:
    assert process.runner_alive(replace(process.running(new()), user="root@elsewhere")) is None


def test_a_record_whose_runner_died_is_known_as_lost() -> None:
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
    "digits": codec.to_xml(new()).replace('pid="0"', f'pid="{"9" * 5000}"'),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_made_to_do_harm_is_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidRecord) as caught:
        codec.from_xml(text)
    assert len(str(caught.value)) < 200
