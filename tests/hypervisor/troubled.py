"""Guests that panic, whose watchdog expires, or whose disk is full, as soon as they run."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from tests.hypervisor.daemon import firmware


def panicking(name: str, on_crash: str, mib: int = 32) -> str:
    """The XML of a machine whose guest panics, the first time that it runs."""
    return _xml(name, "panic", mib, "<panic model='isa'/>", on_crash)


def watched(name: str, action: str, mib: int = 32) -> str:
    """That of one whose watchdog expires."""
    return _xml(name, "watchdog", mib, f"<watchdog model='ib700' action='{action}'/>")


def writing(name: str, disk: Path, mib: int = 32) -> str:
    """That of one that writes to its raw disk, and is paused if that fails."""
    driver = "<driver name='qemu' type='raw' error_policy='stop'/>"
    source = f"<source file='{disk}'/><target dev='hda' bus='ide'/>"
    return _xml(name, "write", mib, f"<disk type='file' device='disk'>{driver}{source}</disk>")


def _xml(name: str, program: str, mib: int, devices: str, on_crash: str = "destroy") -> str:
    return f"""
    <domain type='qemu'>
      <name>{escape(name)}</name>
      <memory unit='MiB'>{mib}</memory>
      <os><type arch='x86_64'>hvm</type><loader type='rom'>{firmware(program)}</loader></os>
      <on_crash>{on_crash}</on_crash>
      <devices>{devices}<memballoon model='none'/><controller type='usb' model='none'/></devices>
    </domain>"""
