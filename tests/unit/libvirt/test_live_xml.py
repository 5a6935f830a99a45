"""What the live XML of a domain says of its disks."""

from __future__ import annotations

import pytest

from backend.libvirt.live_xml import disks
from backend.model import DiskSource


def live(*devices: str) -> str:
    return f"<domain><devices>{''.join(devices)}<interface/></devices></domain>"


def disk(inner: str, target: str = "vda", device: str = "device='disk'") -> str:
    return f"<disk type='file' {device}>{inner}<target dev='{target}' bus='virtio'/></disk>"


def test_disks_are_in_the_order_of_the_xml() -> None:
    found = disks(live(disk("<source file='/b'/>", "vdb"), disk("<source file='/a'/>", device="")))
    assert list(found.items()) == [("vdb", DiskSource("/b")), ("vda", DiskSource("/a"))]


@pytest.mark.parametrize("device", ["cdrom", "floppy"])
def test_drives_for_media_are_none(device: str) -> None:
    assert disks(live(disk("<source file='/cd.iso'/>", "sda", f"device='{device}'"))) == {}


def test_a_domain_without_devices_has_none() -> None:
    assert disks("<domain/>") == {}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("<source file='/var/a b'/>", "/var/a b"),
        ("<source dev='/dev/vg/lv'/>", "/dev/vg/lv"),
        ("<source pool='default' volume='a.qcow2'/>", "default/a.qcow2"),
        ("<source protocol='rbd' name='pool/image'><host name='a' port='1'/><host name='b'/></source>",
         "rbd://a:1,b/pool/image"),
        ("<source protocol='nbd'><host transport='unix' socket='/run/nbd'/></source>", "nbd:///run/nbd/"),
        ("<source file='/a\u202eb'/>", "/a\\u202eb"),
    ],
)  # fmt: skip
def test_a_source_is_a_path_or_a_name_with_its_protocol(source: str, told: str) -> None:
    assert disks(live(disk(source))) == {"vda": DiskSource(told)}


@pytest.mark.parametrize("source", ["", "<source/>", "<source type='vhostuser'/>"])
def test_a_source_that_is_not_told(source: str) -> None:
    assert disks(live(disk(source))) == {"vda": None}


CHAIN = """
<source file='/top'/>
<backingStore type='file'><format type='qcow2'/><source file='/middle'/>
  <backingStore type='network'><source protocol='nbd' name='base'><host name='hv' port='10809'/></source>
    <backingStore/>
  </backingStore>
</backingStore>"""


def test_the_chain_below_a_disk() -> None:
    assert disks(live(disk(CHAIN))) == {"vda": DiskSource("/top", ("/middle", "nbd://hv:10809/base"))}


@pytest.mark.parametrize(
    ("attribute", "ready"), [("", False), ("ready='yes'", True), ("ready='pivot'", True), ("ready='abort'", False)]
)
def test_a_mirror_says_whether_it_is_ready(attribute: str, ready: bool) -> None:
    mirror = f"<mirror type='file' job='copy' {attribute}><format type='raw'/><source file='/copy'/></mirror>"
    assert disks(live(disk("<source file='/top'/>" + mirror))) == {"vda": DiskSource("/top", (), "/copy", ready)}


def test_the_numbers_of_source_and_mirror_are_told() -> None:
    mirror = "<mirror type='file' job='copy'><source file='/copy' index='3'/></mirror>"
    found = disks(live(disk("<source file='/top' index='1'/>" + mirror)))["vda"]
    assert found is not None
    assert (found.index, found.mirror_index) == (1, 3)


@pytest.mark.parametrize("index", ["", "x", "-1", "9" * 10])
def test_a_number_that_is_none_is_not_told(index: str) -> None:
    found = disks(live(disk(f"<source file='/top' index='{index}'/>")))["vda"]
    assert found is not None and found.index is None
