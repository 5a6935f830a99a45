"""The dump formats that a QEMU on this host was built with: asked of the program itself, never of a domain.

libvirt tells them only by refusing a dump. `query-dump-guest-memory-capability` needs no machine; QEMU 7.2
answers in 50 ms, and the answer is kept until the program changes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import subprocess
import tempfile
from pathlib import Path

import platformdirs

from backend.log import ignored

logger = logging.getLogger(__name__)

_DEADLINE = 2.0
_ARGUMENTS = ("-machine", "none", "-nodefaults", "-display", "none", "-S", "-qmp", "stdio")
_COMMANDS = ("qmp_capabilities", "query-dump-guest-memory-capability", "quit")


def built_in(emulator: str) -> frozenset[str] | None:
    """QEMU's names of the formats (``elf``, ``kdump-zlib``, ...); None where that cannot be told. Blocks."""
    try:
        status = os.stat(emulator)
    except OSError:
        return None
    # The path comes from a daemon: nothing is run here that its users could have put there.
    if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    version = f"{emulator} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
    kept = Path(platformdirs.user_cache_dir("virt-jobs")) / "qemu-formats.json"
    formats = _read(kept, version)
    if formats is None:
        formats = _ask(emulator)
        if formats is not None:
            _write(kept, version, formats)
    return formats


def _ask(emulator: str) -> frozenset[str] | None:
    commands = "\n".join(json.dumps({"execute": command}) for command in _COMMANDS)
    try:
        said = subprocess.run(
            [emulator, *_ARGUMENTS], input=commands, capture_output=True, text=True, timeout=_DEADLINE, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.debug("the formats of %s are unknown: %s", emulator, error)
        return None
    for line in said.splitlines():
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
            return frozenset(str(name) for name in json.loads(line)["return"]["formats"])
    return None


def _read(file: Path, version: str) -> frozenset[str] | None:
    try:
        kept = json.loads(file.read_text())
        return frozenset(kept["formats"]) if kept["version"] == version else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(file: Path, version: str, formats: frozenset[str]) -> None:
    with ignored(logger, "QEMU will be asked for its formats again", OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:
            json.dump({"version": version, "formats": sorted(formats)}, draft)
        os.replace(draft.name, file)
