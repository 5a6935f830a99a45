"""What hosts are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.words.host_names import host_names

HV7 = "qemu+ssh://root@hv7.example.org/system"


def names(*uris: str, **aliases: str) -> list[str]:
    by_uri = {uri.replace("_", "/"): alias for alias, uri in aliases.items()}
    found = host_names(uris, by_uri, "box.example.org")
    assert list(found) == list(dict.fromkeys(uris)) or set(found) == set(uris)
    return [found[uri] for uri in uris]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        (HV7, "hv7"),
        ("qemu+tls://HV7/system", "hv7"),
        ("qemu+tcp://192.0.2.7:16509/system", "192.0.2.7"),
        ("qemu+tcp://[2001:db8::7]/system", "2001:db8::7"),
        ("qemu+tcp://127.0.0.1:1/system", "127.0.0.1"),
        ("esx://admin:secret@vc.example.org/dc/esx1", "vc"),
        ("qemu:///system", "box"),
        ("qemu+unix:///session?socket=/run/x", "box"),
        ("lxc:///", "box"),
        ("test:///default", "test:///default"),
        ("sim:///demo", "sim:///demo"),
        ("sim:///a?domains=2&jobs=0", "sim:///a"),
        ("example://", "example://"),
        ("no uri", "no uri"),
        ("http://[", "http://["),
        ("qemu+ssh://hv\x1b7/system", r"hv\x1b7"),
    ],
)
def test_a_host_alone_has_its_shortest_name(uri: str, name: str) -> None:
    assert names(uri) == [name]


def test_two_hosts_with_the_same_short_name_have_their_longer_ones() -> None:
    assert names(HV7, "qemu+ssh://hv7.example.com/system") == ["hv7.example.org", "hv7.example.com"]
    assert names(HV7, "qemu+ssh://hv8.example.org/system") == ["hv7", "hv8"]
    assert names("qemu:///system", "qemu+ssh://box.example.com/system") == ["box.example.org", "box.example.com"]


def test_the_driver_is_named_only_where_one_host_has_several() -> None:
    assert names(HV7, "lxc+ssh://hv7.example.org/") == ["hv7 (qemu)", "hv7 (lxc)"]
    assert names("qemu:///system", "lxc:///system") == ["box (qemu)", "box (lxc)"]
    assert names("qemu:///system", "qemu:///session") == ["box (qemu/system)", "box (qemu/session)"]
    assert names("qemu:///system", "qemu:///session", "lxc:///") == [
        "box (qemu/system)",
        "box (qemu/session)",
        "box (lxc)",
    ]


def test_ports_tell_tunnels_apart() -> None:
    first, second = "qemu+tcp://localhost:1601/system", "qemu+tcp://localhost:1602/system"
    assert names(first, second) == ["localhost:1601", "localhost:1602"]


def test_what_nothing_else_tells_apart_is_shown_in_full_without_its_password() -> None:
    assert names("qemu:///system", "qemu+unix:///system") == ["qemu:///system", "qemu+unix:///system"]
    assert names("esx://a:secret@vc/x", "esx://b:secret@vc/x") == ["esx://a@vc/x", "esx://b@vc/x"]
    assert names("sim:///a?domains=2", "sim:///a?domains=3") == ["sim:///a?domains=2", "sim:///a?domains=3"]


def test_an_alias_wins_and_belongs_to_its_host_alone() -> None:
    assert host_names([HV7], {HV7: "lab"}, "box") == {HV7: "lab"}
    other = "qemu+ssh://hv7.example.com/system"
    assert host_names([HV7, other], {HV7: "hv7"}, "box") == {HV7: "hv7", other: "hv7.example.com"}
    assert host_names([other], {HV7: "hv7"}, "box") == {other: "hv7.example.com"}
    assert host_names([other], {HV7: "hv7", "x:///": "hv7.example.com"}, "box") == {other: other}


parts = st.sampled_from(["", "a", "a.x", "a.y", "b", "192.0.2.1", "root@a.x", "a.x:1"])
uris = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["qemu", "qemu+ssh", "lxc", "sim", "test"]),
    parts,
    st.sampled_from(["", "system"]),
)


@given(st.lists(uris, unique=True), st.dictionaries(uris, st.sampled_from(["a", "b", "a.x"]), max_size=1))
def test_no_two_hosts_have_the_same_name(shown: list[str], aliases: dict[str, str]) -> None:
    found = host_names(shown, aliases, "a.x")
    assert set(found) == set(shown)
    assert len(set(found.values())) == len(shown)
