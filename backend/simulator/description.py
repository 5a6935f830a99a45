"""What the simulated hypervisor tells of a domain beyond its state: its XML, and messages about it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from backend.model import DomainKey
from backend.simulator import disks, effects
from backend.simulator.disks import Disk
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.machine import Machine
from backend.text import clean_lines

_CPUS = 2


def xml(hypervisor: Hypervisor, domain: DomainKey) -> str:
    """The domain as libvirt would describe it."""
    hypervisor.apply_due()
    element = _domain(hypervisor.machine(domain))
    ET.indent(element)
    return "".join(f"{line}\n" for line in clean_lines(ET.tostring(element, encoding="unicode")))


def messages(hypervisor: Hypervisor, domain: DomainKey) -> list[str]:
    """The I/O errors of a guest that was paused for one, as libvirt 12 words them."""
    hypervisor.apply_due()
    machine = hypervisor.machine(domain)
    if machine.reason != effects.IO_ERROR:
        return []
    path = next(iter(disks.from_json(machine.disks).values())).layers[0].path
    return [f"I/O error: disk='vda', index='1', path='{path}', message='No space left on device'"]


def _domain(machine: Machine) -> ET.Element:
    domain = ET.Element("domain", {"type": "qemu"} | ({"id": str(machine.id)} if machine.active else {}))
    for tag, text in (("name", machine.name), ("uuid", machine.uuid)):
        ET.SubElement(domain, tag).text = text
    for tag in ("memory", "currentMemory"):
        ET.SubElement(domain, tag, unit="KiB").text = str(machine.memory // 1024)
    ET.SubElement(domain, "vcpu", placement="static").text = str(_CPUS)
    system = ET.SubElement(domain, "os")
    ET.SubElement(system, "type", arch="x86_64", machine="pc-q35-7.2").text = "hvm"
    ET.SubElement(system, "boot", dev="hd")
    features = ET.SubElement(domain, "features")
    for feature in ("acpi", "apic", "vmcoreinfo"):
        ET.SubElement(features, feature)
    ET.SubElement(domain, "cpu", mode="host-model")
    ET.SubElement(domain, "clock", offset="utc")
    for tag, what in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        ET.SubElement(domain, tag).text = what
    devices = ET.SubElement(domain, "devices")
    ET.SubElement(devices, "emulator").text = "/usr/bin/qemu-system-x86_64"
    for disk in disks.from_json(machine.disks).values():
        devices.append(_disk(disk))
    network = ET.SubElement(devices, "interface", type="network")
    ET.SubElement(network, "mac", address=f"52:54:00:{machine.uuid[:2]}:{machine.uuid[2:4]}:{machine.uuid[4:6]}")
    ET.SubElement(network, "source", network="default")
    ET.SubElement(network, "model", type="virtio")
    console = ET.SubElement(devices, "console", type="pty")
    ET.SubElement(console, "target", type="serial", port="0")
    ET.SubElement(devices, "memballoon", model="virtio")
    return domain


def _disk(disk: Disk) -> ET.Element:
    element = ET.Element("disk", type="file", device="disk")
    ET.SubElement(element, "driver", name="qemu", type="qcow2")
    within = element
    for depth, layer in enumerate(disk.layers):
        if depth:
            within = ET.SubElement(within, "backingStore", type="file", index=str(layer.index))
            ET.SubElement(within, "format", type="qcow2")
            ET.SubElement(within, "source", file=layer.path)
        else:
            ET.SubElement(within, "source", file=layer.path, index=str(layer.index))
    ET.SubElement(within, "backingStore")
    ET.SubElement(element, "target", dev=disk.target, bus="virtio")
    return element
