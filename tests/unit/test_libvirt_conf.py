"""libvirt.conf as libvirt's client reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.libvirt.connection import conf
from backend.libvirt.connection.conf import parse

SAMPLE = """
# uri_default = "no://where"
uri_aliases = [
  "hail=qemu+ssh://root@hail.cloud.example.com/system",
  'sleet=qemu+ssh://root@sleet.cloud.example.com/system?keyfile=/a=b',
  "hail=qemu:///later",
]
uri_default = "hail"   # the usual one
uri_default = "later"
"""


def test_aliases_and_the_usual_one() -> None:
    conf = parse(SAMPLE)
    assert conf.uri("hail") == "qemu+ssh://root@hail.cloud.example.com/system"
    assert conf.uri("sleet") == "qemu+ssh://root@sleet.cloud.example.com/system?keyfile=/a=b"
    assert conf.default == "hail"


def test_what_is_no_alias_stands_for_itself() -> None:
    assert parse(SAMPLE).uri("qemu:///system") == "qemu:///system"


@pytest.mark.parametrize(
    "text", ["", "# nothing", 'uri_aliases = "a=b"', "uri_aliases = [", "uri_default = 3", 'uri_aliases = ["a b=c", 5]']
)
def test_what_says_nothing_or_is_broken_gives_nothing(text: str) -> None:
    assert (dict(parse(text).aliases), parse(text).default) == ({}, None)


@given(st.text(alphabet="uri_aliasesdefault =[]\"',#\n\tx"))
def test_no_text_is_too_odd(text: str) -> None:
    parse(text)


def test_users_have_their_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert conf.load().aliases == {}
    (tmp_path / "libvirt").mkdir()
    (tmp_path / "libvirt/libvirt.conf").write_text(SAMPLE)
    assert conf.load().default == "hail"


def test_root_has_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert conf.path() == "/etc/libvirt/libvirt.conf"
