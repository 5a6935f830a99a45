"""Where a running job comes from, in a sentence that fits the screen."""

from __future__ import annotations

import time

import pytest

from tui.words import origins
from tui.words.cells import shorten, width
from tui.words.origins import Origin, sentence

NOW = time.mktime((2026, 11, 26, 17, 5, 0, 0, 0, -1))
BEGAN = time.mktime((2026, 11, 26, 16, 40, 12, 0, 0, -1))
PATH = "/var/lib/libvirt/qemu/dump/database-01.2026-11-26.core"
BY_ROOT = origins.by("root@hv1")


def test_all_that_is_known_is_one_sentence() -> None:
    origin = Origin(PATH, format="elf", began=BEGAN, by=BY_ROOT)
    assert sentence("dump", origin, NOW, 120) == [f"elf dump → {PATH}, started 16:40 by root@hv1"]


def test_what_nobody_knows_is_left_out() -> None:
    assert sentence("dump", Origin(), NOW, 80) == ["dump"]
    assert sentence("save", Origin(began=BEGAN), NOW, 80) == ["save, started 16:40"]
    assert sentence("dump", Origin(by=BY_ROOT), NOW, 80) == ["dump, requested by root@hv1"]


def test_a_begin_on_another_day_has_its_date() -> None:
    assert sentence("dump", Origin(began=BEGAN), NOW + 86400, 80) == ["dump, started 2026-11-26 16:40"]


def test_a_job_whose_begin_nobody_saw_was_first_seen() -> None:
    origin = Origin("/copy.qcow2", began=BEGAN, exact=False, by=BY_ROOT)
    words = "block copy of vda → /copy.qcow2, first seen 16:40, requested by root@hv1"
    assert sentence("block copy of vda", origin, NOW, 120) == [words]
    origin = Origin(began=BEGAN, exact=False, by=origins.by_client("virsh blockcopy (pid 7, root)"))
    words = "block copy of vda, first seen 16:40, apparently requested by virsh blockcopy (pid 7, root)"
    assert sentence("block copy of vda", origin, NOW, 120) == [words]


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (origins.by("libvirt (guest panicked)"), "by libvirt (guest panicked)"),
        (origins.by_claim("eve@hv2"), "by eve@hv2 (claimed)"),
        (origins.by_client("virsh dump (pid 812, root)"), "apparently by virsh dump (pid 812, root)"),
    ],
)
def test_who_requested_it_is_said_as_certainly_as_it_is_known(by: str, words: str) -> None:
    assert sentence("dump", Origin(began=BEGAN, by=by), NOW, 120) == [f"dump, started 16:40 {words}"]


def test_a_path_gives_way_in_the_middle() -> None:
    [line] = sentence("dump", Origin(PATH, format="elf", began=BEGAN, by=BY_ROOT), NOW, 75)
    assert width(line) <= 75
    assert line.startswith("elf dump → /var/lib/libvirt/")
    assert line.endswith("26.core, started 16:40 by root@hv1")


def test_on_a_narrow_screen_the_rest_is_a_line_of_its_own() -> None:
    by = origins.by_client("virsh dump (pid 812, root)")
    first, second = sentence("dump", Origin(PATH, began=BEGAN, by=by), NOW, 55)
    assert width(first) <= 55
    assert first.endswith("11-26.core")
    assert second == "started 16:40 apparently by virsh dump (pid 812, root)"


@pytest.mark.parametrize("cells", range(1, 60))
def test_text_shortened_in_the_middle_fits(cells: int) -> None:
    assert width(shorten(PATH, cells)) <= cells
    assert width(shorten("経理サーバー/経理サーバー/経理サーバー", cells)) <= cells
