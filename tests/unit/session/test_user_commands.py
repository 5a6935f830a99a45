"""What commands of the user's own are told, and how their end is read."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from backend.model import DomainKey
from tests.unit.session.test_rows import DUMP, URI, copying, domain
from tui.session.rows import block_jobs
from tui.session.user_commands import MOST, Ended, run_in_background, shell_status, variables

NAMES = ["URI", "HOST", "DOMAIN", "UUID", "ID", "STATE", "REASON", "OPERATION", "DISK", "PATH", "ELAPSED_MS"]


def test_every_value_is_there_and_empty_where_it_is_unknown() -> None:
    values = variables("sim:///x", "hv1")
    assert [*values] == [f"VIRT_JOBS_{name}" for name in NAMES]
    assert {name for name, value in values.items() if value} == {"VIRT_JOBS_URI", "VIRT_JOBS_HOST"}


def test_a_domain_with_a_job_of_its_own() -> None:
    values = variables(URI, "hv", domain("a", own=replace(DUMP, time_elapsed=1500)), "/var/tmp/a.elf")
    assert values["VIRT_JOBS_DOMAIN"] == "a"
    assert values["VIRT_JOBS_ID"] == "1"
    assert (values["VIRT_JOBS_OPERATION"], values["VIRT_JOBS_DISK"]) == ("dump", "")
    assert (values["VIRT_JOBS_PATH"], values["VIRT_JOBS_ELAPSED_MS"]) == ("/var/tmp/a.elf", "1500")


def test_the_job_of_a_disk() -> None:
    [job] = block_jobs(domain("a", copying("vdb")))
    values = variables(URI, "hv", job)
    assert (values["VIRT_JOBS_OPERATION"], values["VIRT_JOBS_DISK"]) == ("block copy", "vdb")


def test_one_that_is_off_has_no_id() -> None:
    row = domain("a")
    off = replace(row.domain, key=DomainKey(row.domain.key.uuid, None, "a"))
    assert variables(URI, "hv", replace(row, view=replace(row.view, domain=off)))["VIRT_JOBS_ID"] == ""


@pytest.mark.parametrize(
    ("command", "ended"),
    [
        ("true", Ended(0)),
        ("echo one; echo two; echo", Ended(0, "two")),
        ("printf '\\033[2Jx'; exit 9", Ended(9, "\\x1b[2Jx")),
        ("kill -TERM $$", Ended(128 + signal.SIGTERM)),
        ('echo "$VIRT_JOBS_DOMAIN"', Ended(0, "$(reboot) `x` ; 'y'")),
        ("yes x | head -c 100000; echo; echo last", Ended(0, "last")),
    ],
)
def test_the_end_of_a_command_is_its_status_and_its_last_words(command: str, ended: Ended) -> None:
    assert run_in_background(command, {"VIRT_JOBS_DOMAIN": "$(reboot) `x` ; 'y'"}) == ended


def test_long_last_words_are_cut() -> None:
    assert len(run_in_background("head -c 9000 /dev/zero | tr '\\0' x", {}).said) == MOST


def test_the_words_of_an_end() -> None:
    assert Ended(0).words == ""
    assert Ended(0, "ok").words == "ok"
    assert Ended(3).words == "exit status 3"
    assert Ended(3, "no disk").words == "exit status 3: no disk"
    assert (shell_status(0), shell_status(-9)) == (0, 137)
