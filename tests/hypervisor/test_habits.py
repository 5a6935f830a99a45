"""What people and scripts are used to from virsh, held against virsh itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import VirtJobs
from tests.contract.steps import eventually
from tests.hypervisor.block_jobs import layered_disk
from tests.hypervisor.daemon import SYSTEM, Machines, unique
from tests.hypervisor.disk import small_disk

pytestmark = pytest.mark.hypervisor


LIBVIRT_CONF = """
uri_aliases = [
  "inside=test:///default",
  "both=test:///default",
  "far=qemu+ssh://root@127.0.0.1:9/system",
]
uri_default = "inside"
"""
COMPLETED = ("--completed", "--keep-completed")
VirtJobsWithConf = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def with_conf(tmp_path: Path) -> VirtJobsWithConf:
    """Runs virt-jobs where /etc/libvirt/libvirt.conf, for it alone, is the one above."""
    conf = tmp_path / "libvirt.conf"
    conf.write_text(LIBVIRT_CONF)
    mounted = ("unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/libvirt/libvirt.conf && exec "$@"', str(conf))

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [*mounted, sys.executable, "-m", "tui", *arguments]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
            env=os.environ | environment,
        )

    return run


def test_an_alias_of_libvirt_conf_is_a_name_for_its_uri(with_conf: VirtJobsWithConf) -> None:
    ended = with_conf("-c", "inside", "list", "--json")
    assert '"uri": "test:///default"' in ended.stdout, ended


def test_uri_default_is_the_usual_one(with_conf: VirtJobsWithConf) -> None:
    assert '"uri": "test:///default"' in with_conf("list", "--json").stdout


@pytest.mark.parametrize("variable", ["VIRSH_DEFAULT_CONNECT_URI", "LIBVIRT_DEFAULT_URI"])
def test_virshs_variables_come_before_it_and_may_be_aliases(with_conf: VirtJobsWithConf, variable: str) -> None:
    assert "qemu+ssh://root@127.0.0.1:9/system" in with_conf("list", **{variable: "far"}).stderr


def test_an_alias_of_the_config_comes_before_one_of_libvirt_conf(with_conf: VirtJobsWithConf, tmp_path: Path) -> None:
    config = tmp_path / "config/virt-jobs/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[connections.both]\nuri = "sim:///ours"\n')
    assert '"uri": "sim:///ours"' in with_conf("-c", "both", "list", "--json").stdout


def test_an_alias_for_ssh_asks_nothing(with_conf: VirtJobsWithConf) -> None:
    ended = with_conf("-c", "far", "list")
    assert ended.returncode == 7
    assert "try this command in a terminal: ssh -p 9 root@127.0.0.1 true" in ended.stderr


async def said(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    """A folder that QEMU's own user can write to."""
    tmp_path.chmod(0o777)
    return tmp_path


async def test_the_stats_of_a_completed_job_are_virshs_to_the_last_blank(machines: Machines, dumps: Path) -> None:
    domain = machines.start(unique("-completed"))
    virsh = ("virsh", "-c", SYSTEM)
    await said(*virsh, "dump", domain.uuid, str(dumps / "dump"))
    ours = await VirtJobs(SYSTEM)("info", "--completed", "--", domain.name)
    theirs = await said(*virsh, "domjobinfo", "--completed", "--keep-completed", domain.uuid)
    assert "Total downtime:" in theirs
    assert ours.out == theirs


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with disks that QEMU's own user can open."""
    with tempfile.TemporaryDirectory(prefix="vj-habits-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


async def test_a_failed_backup_looks_as_it_does_to_virsh(machines: Machines, folder: Path) -> None:
    virsh = ("virsh", "-c", SYSTEM)
    xml = folder / "backup.xml"
    xml.write_text(
        "<domainbackup><disks><disk name='vda' type='file'>"
        f"<target file='{folder / 'full/backup'}'/><driver type='qcow2'/></disk></disks></domainbackup>"
    )
    with small_disk(folder / "full", 4):
        domain = machines.start(unique("failed"), disk=layered_disk(folder, 16))
        await said(*virsh, "backup-begin", domain.uuid, str(xml))

        async def failed() -> bool:
            return "Job type: 4" in await said(*virsh, "domjobinfo", "--rawstats", *COMPLETED, domain.uuid)

        await eventually(failed)
        for options in ([], ["--anystats"], ["--rawstats"]):
            theirs = await said(*virsh, "domjobinfo", *COMPLETED, *options, domain.uuid)
            assert (await VirtJobs(SYSTEM)("info", domain.uuid, *COMPLETED, *options)).out == theirs
        machines.destroy(domain)
