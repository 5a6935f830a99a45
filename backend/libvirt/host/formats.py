"""The dump formats that a QEMU on this host was built with.

libvirt has no call for them: it only refuses a dump. So the emulator itself is run, without a domain. QEMU 7.2 answers
`query-dump-guest-memory-capability` in 50 ms without a machine, and the answer is cached until the program changes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import stat
import subprocess
import tempfile
import time
from pathlib import Path

import platformdirs

from backend.log import ignored

logger = logging.getLogger(__name__)

DEADLINE = 2.0
"""Seconds for QEMU to start and answer."""
OUTPUT_LIMIT = 1 << 16
"""Bytes of its output that are read; the answer takes less than 1,000."""
ROOT = 0
"""The owner of the programs that are run."""
_ARGUMENTS = ("-machine", "none", "-nodefaults", "-display", "none", "-S", "-qmp", "stdio")
_COMMANDS = ("qmp_capabilities", "query-dump-guest-memory-capability", "quit")
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


def built_in(emulator: str) -> frozenset[str] | None:
    """QEMU's names of its formats (``elf``, ``kdump-zlib``, ...); None if they cannot be determined.

    Blocks, on a file system that does not answer for as long as that.
    """
    try:
        # O_PATH: whatever it is, it is not read, not waited for and not set off. What is checked is what is run.
        program = os.open(emulator, os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        logger.debug("the formats of %s are unknown: %s", emulator, error)
        return None
    try:
        status = os.fstat(program)
        if not _is_trusted(status):
            return None
        version = f"{emulator} {status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"
        cache = Path(platformdirs.user_cache_dir("virt-jobs")) / "qemu-formats.json"
        formats = _read_cache(cache, version)
        if formats is None:
            formats = _parse(_output(program, emulator))
            if formats is not None:
                _write_cache(cache, version, formats)
    except OSError as error:
        logger.debug("the formats of %s are unknown: %s", emulator, error)
        return None
    finally:
        os.close(program)
    return formats


def _is_trusted(status: os.stat_result) -> bool:
    """Whether it is a program that only root can have written: its path comes from a daemon."""
    mode = status.st_mode
    return stat.S_ISREG(mode) and status.st_uid == ROOT and not mode & 0o022 and bool(mode & 0o111)


def _output(program: int, name: str) -> bytes:
    """What the program that is open prints when it is asked for its formats. OSError if it cannot be run.

    A script runs, too: its interpreter gets the descriptor's path, so that stays open in it.
    """
    with subprocess.Popen(
        [name, *_ARGUMENTS],
        executable=f"/proc/self/fd/{program}",
        pass_fds=(program,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
        bufsize=0,
    ) as process:
        try:
            return _conversation(process)
        finally:
            # With whatever it started, which might keep its output open. Its number is its own until it is waited for.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _conversation(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    until = time.monotonic() + DEADLINE
    with contextlib.suppress(BrokenPipeError):  # What it printed before it stopped reading counts all the same.
        process.stdin.write("\n".join(json.dumps({"execute": command}) for command in _COMMANDS).encode())
    process.stdin.close()
    output = b""
    while len(output) < OUTPUT_LIMIT and (left := until - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            break
        piece = os.read(process.stdout.fileno(), OUTPUT_LIMIT - len(output))
        if not piece:
            break
        output += piece
    return output


def _parse(output: bytes) -> frozenset[str] | None:
    """The formats that the program reports over QMP; None if it does not."""
    for line in output.splitlines():
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
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
