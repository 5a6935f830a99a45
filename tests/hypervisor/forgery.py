"""Processes that pretend to write a dump, as any user can start them."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.files.inspect import inspect
from backend.model import DomainKey
from tests.eventually import eventually
from tests.hypervisor.daemon import NOBODY

SOMEBODY = NOBODY - 1
"""A user who runs no daemon."""
REAL_HELPER = "/usr/lib/libvirt/libvirt_iohelper"
HELPERS = {
    "another program": "/usr/bin/tee",
    "the real program": REAL_HELPER,
}


@contextmanager
def forged(uuid: str, path: Path, program: str = HELPERS["another program"], user: int = SOMEBODY) -> Iterator[None]:
    """Two processes of a user that look like QEMU dumping that domain to `path`, which holds a whole dump."""
    path.touch()
    path.chmod(0o666)
    reading, writing = os.pipe()
    identity = {"user": user, "group": user, "extra_groups": []}
    with path.open("wb") as file:
        helper = subprocess.Popen(
            ["libvirt_iohelper", str(path), "1"], executable=program, stdin=reading, stdout=file, **identity
        )
    emulator = subprocess.Popen(
        ["qemu-system-x86_64", "-c", "import sys; sys.stdin.read()", "-uuid", uuid],
        executable="/usr/bin/python3",
        stdin=subprocess.PIPE,
        stdout=writing,
        **identity,
    )
    if program == HELPERS["another program"]:
        eventually(lambda: _opened(helper.pid, path) > 1)  # It empties the file when it opens it.
    path.write_bytes(elf())
    assert inspect(path).whole
    try:
        yield
    finally:
        os.close(reading)
        os.close(writing)
        for process in (helper, emulator):
            process.kill()
            process.communicate()


def _opened(pid: int, path: Path) -> int:
    """How often the process has the file open."""
    return sum(os.path.samestat(os.stat(fd), path.stat()) for fd in Path(f"/proc/{pid}/fd").iterdir())


def arguments_of_qemu(domain: DomainKey) -> list[str]:
    """Those by which a QEMU is taken for that domain's."""
    key = f"id=masterKey0,file=/var/lib/libvirt/qemu/domain-{domain.id}-{domain.name}/master-key.aes"
    return ["-name", f"guest={domain.name},debug-threads=on", "-object", key, "-uuid", domain.uuid]


def elf() -> bytes:
    """A whole ELF dump of a page of memory."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 0, 120, 0, 0, 4096, 4096, 0)
    return header + segment + bytes(4096)
