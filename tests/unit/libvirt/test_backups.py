"""What the XML of a backup says, which is as its client wrote it."""

from __future__ import annotations

import pytest

from backend.backup import Backup, BackupDisk
from backend.libvirt.backups import described

SCRATCH = "<scratch file='/s'/>"


def pull(server: str, *disks: str, more: str = "") -> str:
    return f"<domainbackup mode='pull'><server {server}/>{more}<disks>{''.join(disks)}</disks></domainbackup>"


def disk(inner: str = "", attributes: str = "exportname='vda'", name: str = "vda") -> str:
    return f"<disk name='{name}' backup='yes' type='file' {attributes}>{inner}</disk>"


def export_of(server: str, attributes: str = "exportname='vda'") -> str:
    backup = described(pull(server, disk(attributes=attributes)))
    assert backup is not None
    return backup.disks[0].export


def test_a_push_backup_has_targets() -> None:
    disks = (
        disk("<target file='/t/a'/>", "") + disk("<target dev='/dev/b'/>", "", "vdb") + "<disk name='vdc' backup='no'/>"
    )
    found = described(f"<domainbackup mode='push'><disks>{disks}</disks></domainbackup>")
    assert found == Backup(False, (BackupDisk("vda", "/t/a"), BackupDisk("vdb", "/dev/b")))


def test_without_a_mode_it_is_a_push_backup() -> None:
    assert described("<domainbackup/>") == Backup(False)


def test_a_pull_backup_has_scratch_files_and_exports() -> None:
    found = described(pull("transport='unix' socket='/run/a b'", disk(SCRATCH)))
    assert found == Backup(
        True, (BackupDisk("vda", "/s", "nbd+unix:///vda?socket=/run/a%20b"),), "nbd+unix:///?socket=/run/a%20b"
    )


@pytest.mark.parametrize(
    ("server", "export"),
    [
        ("transport='tcp' name='hv3' port='10809'", "nbd://hv3:10809/vda"),
        ("name='hv3' port='10809'", "nbd://hv3:10809/vda"),
        ("name='hv3' port='10809' tls='yes'", "nbds://hv3:10809/vda"),
        ("name='::1' port='10809'", "nbd://[::1]:10809/vda"),
        ("transport='unix' socket='/n' tls='yes'", "nbds+unix:///vda?socket=/n"),
        ("transport='fd' fdgroup='x'", ""),
        ("transport='unix'", ""),
        ("port='1'", ""),
    ],
)
def test_an_export_is_a_uri_that_nbd_clients_take(server: str, export: str) -> None:
    assert export_of(server) == export


def test_what_its_client_wrote_acts_on_no_terminal_and_ends_no_uri() -> None:
    assert (
        export_of("name='hv3' port='1'", "exportname='a/b?c#d \u202e&#133;'")
        == "nbd://hv3:1/a%2Fb%3Fc%23d%20%E2%80%AE%C2%85"
    )
    found = described(pull("name='h\u202e@x/y' port='1'", disk("<scratch file='/\u202e'/>", name="v\u202ea")))
    assert found is not None
    assert found.server == "nbd://h%E2%80%AE%40x%2Fy:1/"
    assert (found.disks[0].disk, found.disks[0].image) == ("v\\u202ea", "/\\u202e")


def test_an_incremental_one_names_its_checkpoint() -> None:
    since = "<incremental>monday</incremental>"
    disks = (
        disk(SCRATCH, "backupmode='incremental' incremental='tuesday'", "vda"),
        disk(SCRATCH, "backupmode='incremental'", "vdb"),
        disk(SCRATCH, "backupmode='full'", "vdc"),
        disk(SCRATCH, "", "vdd"),
    )
    found = described(pull("name='h' port='1'", *disks, more=since))
    assert found is not None
    assert [disk.incremental for disk in found.disks] == ["tuesday", "monday", "", "monday"]


@pytest.mark.parametrize("xml", ["", "no xml", "<domain/>", "<domainbackup>"])
def test_anything_else_is_no_backup(xml: str) -> None:
    assert described(xml) is None
