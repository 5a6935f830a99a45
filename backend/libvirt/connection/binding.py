"""The libvirt binding: which one is installed, and how one can be had on this machine."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from glob import glob

_HEADER = "/usr/include/libvirt/libvirt.h"
_OF_DEBIAN = "/usr/lib/python3/dist-packages"


@dataclass(frozen=True, slots=True)
class Binding:
    """What speaks to libvirt in this Python."""

    version: str
    """Of the binding; empty where it does not say."""
    library: str
    """Of libvirt's client library, which it was loaded with."""


def installed() -> Binding:
    """The binding that there is. ImportError without one, or where it cannot be loaded."""
    import libvirt

    from backend.libvirt.capabilities import dotted

    return Binding(_distribution_version("libvirt-python"), dotted(libvirt.getVersion()))


def how_to_get() -> str:
    """What to do on this machine to have one."""
    if _seen_by_system_python():
        return (
            "this virtual environment does not see the one of the distribution: make it anew with "
            "/usr/bin/python3 -m venv --system-site-packages"
        )
    if os.path.exists(_HEADER):
        return "install it with: pip install 'virt-jobs[libvirt]'"
    return (
        "install libvirt's headers (on Debian: apt install libvirt-dev pkg-config gcc python3-dev), "
        "then: pip install 'virt-jobs[libvirt]'"
    )


def _seen_by_system_python() -> bool:
    return sys.prefix != sys.base_prefix and bool(glob(f"{_OF_DEBIAN}/libvirtmod.*.so"))


def _distribution_version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""
