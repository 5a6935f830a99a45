"""What a simulator's URI may say."""

from __future__ import annotations

import pytest

from backend.errors import InvalidURI
from backend.simulator.options import MIB, Fail, Options, parse


@pytest.mark.parametrize("uri", ["sim:", "sim:/", "sim://", "sim:///", "sim:///default"])
def test_a_uri_without_a_name_is_the_default_simulator(uri: str) -> None:
    assert parse(uri) == Options(name="default")


def test_every_option_is_read_in_its_unit() -> None:
    options = parse("sim:///lab?domains=5&jobs=2&memory=64&rate=100&latency=20&fail=disk-full")
    assert options == Options("lab", 5, 2, 64 * MIB, 100 * MIB, 0.02, Fail.DISK_FULL)


def test_what_is_not_said_is_left_open() -> None:
    options = parse("sim:///lab?jobs=0")
    assert (options.domains, options.jobs, options.memory) == (None, 0, None)


@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("sim:///x?colour=red", "colour"),
        ("sim:///x?domains=many", "domains=many"),
        ("sim:///x?domains=-1", "domains=-1"),
        ("sim:///x?domains=", "domains="),
        ("sim:///x?domains=99999999999999999999", "domains="),
        ("sim:///x?memory=0", "memory=0"),
        ("sim:///x?rate=1.5", "rate=1.5"),
        ("sim:///x?rate=٣", "rate="),
        ("sim:///x?fail=often", "fail=often"),
        ("sim:///x?fail=", "fail="),
        ("sim:///x?domains", "write options as"),
        ("sim://demo", "sim:///demo"),
        ("sim:///../../etc", "name"),
        ("sim:///a/b", "name"),
        ("sim:///.hidden", "name"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(uri: str, named: str) -> None:
    with pytest.raises(InvalidURI) as refused:
        parse(uri)
    assert named in refused.value.message
    assert "\n" not in refused.value.message
