"""The dump formats that a QEMU on this host was built with.

libvirt has no call for them: it only refuses a dump. So the emulator itself is run, without a domain. QEMU 7.2 answers
`query-dump-guest-memory-capability` in 50 ms without a machine, and the answer is cached until the program changes.
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
"""Seconds for QEMU to start and answer."""
_ARGUMENTS = ("-machine", "none", "-nodefaults", "-display", "none", "-S", "-qmp", "stdio")
_COMMANDS = ("qmp_capabilities", "query-dump-guest-memory-capability", "quit")


def built_in(emulator: str) -> frozenset[str] | None:
    """QEMU's names of its formats (``elf``, ``kdump-zlib``, ...); None if they cannot be determined. Blocks."""
    try:
        status = os.stat(emulator)
    except OSError:
        return None
    # The path comes from a daemon, so only programs that root alone can write are run.
    if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    version = f"{emulator} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
    cache = Path(platformdirs.user_cache_dir("virt-jobs")) / "qemu-formats.json"
    formats = _read_cache(cache, version)
    if formats is None:
        formats = _query(emulator)
        if formats is not None:
            _write_cache(cache, version, formats)
    return formats


def _query(emulator: str) -> frozenset[str] | None:
    """The formats that the program itself reports over QMP; None if it fails or is too slow."""
    commands = "\n".join(json.dumps({"execute": command}) for command in _COMMANDS)
    try:
        output = subprocess.run(
            [emulator, *_ARGUMENTS], input=commands, capture_output=True, text=True, timeout=_DEADLINE, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.debug("the formats of %s are unknown: %s", emulator, error)
        return None
    for line in output.splitlines():
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
            return frozenset(str(name) for name in json.loads(line)["return"]["formats"])
    return None


def _read_cache(file: Path, version: str) -> frozenset[str] | None:
    try:
        content = json.loads(file.read_text())
        return frozenset(content["formats"]) if content["version"] == version else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write_cache(file: Path, version: str, formats: frozenset[str]) -> None:
    with ignored(logger, "QEMU will be asked for its formats again", OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:
            json.dump({"version": version, "formats": sorted(formats)}, draft)
        os.replace(draft.name, file)
