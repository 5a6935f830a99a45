"""The versions of virt-jobs and of what it runs on."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from backend.libvirt.connection import binding


def version_lines() -> Iterator[str]:
    yield f"virt-jobs, version {version('virt-jobs')}"
    try:
        libvirt = binding.installed()
        yield f"libvirt-python {libvirt.version or '(version unknown)'}, libvirt library {libvirt.library}"
    except ImportError as error:
        yield f"libvirt-python not usable ({error})"
    yield f"Textual {version('textual')}"
    yield f"Python {platform.python_version()}"
