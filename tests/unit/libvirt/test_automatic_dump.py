"""The name by which libvirt's own dumps are known."""

from __future__ import annotations

import pytest

from backend.libvirt.automatic_dump import Panics, named_by_libvirt
from backend.model import DomainKey

WHEN = "2026-11-26-10:14:30"


@pytest.mark.parametrize(
    ("name", "file", "its"),
    [
        ("web-01", f"55-web-01-{WHEN}", True),
        ("a-name-of-more-than-20-characters", f"55-a-name-of-more-than--{WHEN}", True),
        ("ünï çödé-of-many-characters", f"55-ünï çödé-of-many-cha-{WHEN}", True),
        ("web-01", f"56-web-01-{WHEN}", False),
        ("web-01", f"55-web-02-{WHEN}", False),
        ("a-name-of-more-than-20-characters", f"55-a-name-{WHEN}", False),
        ("web-01", "55-web-01", False),
        ("web-01", f"55-web-01-{WHEN}.old", False),
        ("web-01", f"55--{WHEN}", False),
    ],
)
def test_libvirt_names_its_dumps_by_id_name_and_time(name: str, file: str, its: bool) -> None:
    assert named_by_libvirt(f"/var/lib/libvirt/qemu/dump/{file}", DomainKey("uuid", 55, name)) is its


def test_a_panic_is_remembered_for_one_run_of_a_domain() -> None:
    panics, first, second = Panics(), DomainKey("uuid", 1, "vm"), DomainKey("uuid", 2, "vm")
    panics.report(first)
    assert panics.last(first) is not None
    assert panics.last(second) is None
    panics.forget("uuid")
    assert panics.last(first) is None
