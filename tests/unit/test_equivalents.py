"""The commands that do what the console does: whole, quoted, and about that very domain."""

from __future__ import annotations

import shlex

import pytest

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.model import DiskKey, DomainKey, MigrationLimits
from tui.words import equivalents
from tui.words.equivalents import Equivalent

QEMU = "qemu:///system"
UUID = "6d5e3a05-590e-4843-9af4-d4b2ecfa4b83"
DB = DomainKey(UUID, 5, "db-01")
VDA = DiskKey(DB, "vda")


def request(format: DumpFormat, flags: DumpFlags, domain: DomainKey = DB) -> DumpRequest:
    return DumpRequest(domain, "/dumps/a b.core", format, flags)


@pytest.mark.parametrize(
    ("commands", "ours", "theirs"),
    [
        (
            equivalents.dump(QEMU, request(DumpFormat.RAW, DumpFlags.MEMORY_ONLY), overwrite=True),
            "dump db-01 '/dumps/a b.core' --format elf --overwrite",
            "dump db-01 '/dumps/a b.core' --memory-only --format elf",
        ),
        (
            equivalents.dump(QEMU, request(DumpFormat.RAW, DumpFlags.CRASH | DumpFlags.BYPASS_CACHE), overwrite=False),
            "dump db-01 '/dumps/a b.core' --format raw --crash --bypass-cache",
            "dump db-01 '/dumps/a b.core' --crash --bypass-cache",
        ),
        (equivalents.abort(QEMU, DB), "abort db-01", "domjobabort db-01"),
        (equivalents.abort(QEMU, DB, postcopy=True), "abort db-01 --postcopy", "domjobabort db-01 --postcopy"),
        (equivalents.abort(QEMU, VDA), "abort db-01 --disk vda", "blockjob db-01 vda --abort"),
        (equivalents.pivot(QEMU, VDA), "abort db-01 --disk vda --pivot", "blockjob db-01 vda --pivot"),
        (equivalents.resume(QEMU, DB), "resume db-01", "resume db-01"),
        (equivalents.start_postcopy(QEMU, DB), "migration db-01 --postcopy", "migrate-postcopy db-01"),
        (
            equivalents.limit_migration(QEMU, DB, MigrationLimits(max_downtime=500)),
            "migration db-01 --max-downtime 500",
            "migrate-setmaxdowntime db-01 500",
        ),
    ],
)
def test_virt_jobs_and_virsh_have_a_command_for_each(commands: Equivalent, ours: str, theirs: str) -> None:
    assert commands == Equivalent(f"virt-jobs -c {QEMU} {ours}", f"virsh -c {QEMU} {theirs}")


def test_virsh_has_a_command_for_each_limit_of_a_migration() -> None:
    limits = MigrationLimits(max_downtime=500, bandwidth=64 << 20)
    commands = equivalents.limit_migration(QEMU, DB, limits)
    assert commands.virt_jobs == f"virt-jobs -c {QEMU} migration db-01 --max-downtime 500 --bandwidth 64"
    set_downtime, set_speed = commands.virsh.split(" && ")
    assert set_downtime == f"virsh -c {QEMU} migrate-setmaxdowntime db-01 500"
    assert set_speed == f"virsh -c {QEMU} migrate-setspeed db-01 64"


def test_virsh_does_not_know_the_simulator() -> None:
    assert equivalents.abort("sim:///demo", DB) == Equivalent("virt-jobs -c sim:///demo abort db-01")


def test_a_host_is_looked_at() -> None:
    assert equivalents.connect(QEMU, True) == Equivalent(f"virt-jobs -r -c {QEMU}", f"virsh -r -c {QEMU} list --all")


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "it's", "a;b", "we[ir]d [/x] ünïcode", "a\\b"])
def test_names_reach_the_command_as_they_are(name: str) -> None:
    for command in (commands := equivalents.abort(QEMU, DomainKey(UUID, 5, name))).virt_jobs, commands.virsh:
        assert shlex.split(command)[-1] == name


@pytest.mark.parametrize("name", ["7", UUID, UUID.upper()])
def test_a_name_that_could_be_the_id_of_another_domain_is_not_used(name: str) -> None:
    assert equivalents.resume(QEMU, DomainKey(UUID, 5, name)).virsh == f"virsh -c {QEMU} resume {UUID}"


def test_a_name_that_starts_with_a_dash_is_no_option() -> None:
    dash = DomainKey(UUID, 5, "-f")
    commands = equivalents.dump(QEMU, request(DumpFormat.KDUMP_ZLIB, DumpFlags.MEMORY_ONLY, dash), overwrite=True)
    assert commands.virt_jobs == f"virt-jobs -c {QEMU} dump --format kdump-zlib --overwrite -- -f '/dumps/a b.core'"
    assert commands.virsh == f"virsh -c {QEMU} dump --memory-only --format kdump-zlib -- -f '/dumps/a b.core'"
    disk = equivalents.abort(QEMU, DiskKey(dash, "vda"))
    assert disk.virt_jobs == f"virt-jobs -c {QEMU} abort --disk vda -- -f"
    assert disk.virsh == f"virsh -c {QEMU} blockjob --abort -- -f vda"


def test_a_command_that_was_run_is_shown_by_virt_jobs_alone() -> None:
    assert equivalents.last_command(QEMU, DB) == Equivalent("virt-jobs -c qemu:///system run db-01 --last")
    odd = equivalents.last_command(QEMU, DomainKey(UUID, 5, "-x")).virt_jobs
    assert odd == "virt-jobs -c qemu:///system run --last -- -x"
