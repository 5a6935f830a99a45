"""Real domains on a real daemon, and daemons of the tests' own: helpers for everything that is marked `hypervisor`."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from xml.sax.saxutils import escape

import libvirt

from backend.libvirt.connection.loop import ensure_running
from backend.model import DomainKey
from backend.text import clean
from tests.eventually import eventually
from tests.language import LOCALE

SYSTEM = "qemu:///system"
HOSTILE = "we[ir]d [x] ünïcode \u202e[@click=app.quit]"
"""A name that would break whoever takes it for markup, or prints it as it is. libvirt refuses "/" and newlines."""
NOBODY = 65534
_CAPABILITIES = "cache/libvirt/qemu/cache/capabilities"
_POSTCOPY = ("--inh-caps=+sys_ptrace", "--ambient-caps=+sys_ptrace")
"""Options of setpriv with which a QEMU may wait for memory that is still on another host, by userfaultfd."""
_SNAPSHOTS = libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
_MAGIC = {
    "elf": b"\x7fELF",
    "kdump-zlib": b"makedumpfile",
    "kdump-lzo": b"makedumpfile",
    "kdump-snappy": b"makedumpfile",
    "win-dmp": b"PAGEDU64",
    "raw": b"QEVM",
}


def unique(name: str) -> str:
    """`name`, made unlike any other on a daemon that is shared."""
    return f"{name} {uuid.uuid4().hex[:8]}"


def domain_xml(name: str, mib: int, filled: bool = False, disk: Path | None = None, restless: bool = False) -> str:
    """A machine without network that halts as soon as it runs: enough memory to be dumped, no KVM needed.

    One that is `filled` fills its memory before that; one that is `restless` never stops doing so. `disk`: qcow2.
    """
    program = "refill" if restless else "fill" if filled else "halt"
    vda = (
        f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
        if disk
        else ""
    )
    return f"""
    <domain type='qemu'>
      <name>{escape(name)}</name>
      <memory unit='MiB'>{mib}</memory>
      <os><type arch='x86_64'>hvm</type><loader type='rom'>{firmware(program)}</loader></os>
      <devices>{vda}<memballoon model='none'/><controller type='usb' model='none'/></devices>
    </domain>"""


class Machines:
    """Domains on one daemon; leaving removes those that were made through it, and no others."""

    def __init__(self, uri: str = SYSTEM) -> None:
        ensure_running()
        self.uri = uri
        self._conn = libvirt.open(uri)
        self._made: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._made:
            with ThreadPoolExecutor(max_workers=4) as pool:
                list(pool.map(_remove, self._made))
        self._conn.close()

    def start(
        self,
        name: str,
        mib: int = 32,
        paused: bool = False,
        filled: bool = False,
        disk: Path | None = None,
        restless: bool = False,
    ) -> DomainKey:
        """A new transient domain, running or paused.

        Those that are `filled` or `restless` have filled their memory when this returns; the latter go on with that.
        """
        if not (filled or restless):
            flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
            return self._keep(self._conn.createXML(domain_xml(name, mib, disk=disk), flags))
        handle = self._conn.createXML(domain_xml(name, mib, True, disk, restless), libvirt.VIR_DOMAIN_START_PAUSED)
        domain = self._keep(handle)
        pid = process_of(domain)
        full = resident(pid) + (mib - 1 << 20)  # The first MiB is not the filler's.
        handle.resume()
        eventually(lambda: resident(pid) >= full, 60)
        if paused:
            handle.suspend()
        return domain

    def create(self, xml: str) -> DomainKey:
        """A new transient domain, paused."""
        return self._keep(self._conn.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED))

    def define(self, name: str, mib: int = 32) -> DomainKey:
        """A new persistent domain that does not run."""
        return self._keep(self._conn.defineXML(domain_xml(name, mib)))

    def boot(self, domain: DomainKey) -> DomainKey:
        """Start a defined domain; its new key."""
        handle = self.handle(domain)
        handle.create()
        return key_of(handle)

    def destroy(self, domain: DomainKey) -> None:
        """Pull the plug."""
        self.handle(domain).destroy()

    def has_job(self, domain: DomainKey) -> bool:
        """Whether something runs on it."""
        return bool(self.handle(domain).jobStats()["type"] != libvirt.VIR_DOMAIN_JOB_NONE)

    @property
    def made(self) -> list[DomainKey]:
        """Those that were made, as they are now."""
        return [key_of(handle) for handle in self._made]

    def handle(self, domain: DomainKey) -> Any:
        """The virDomain, for what has no helper here."""
        return self._conn.lookupByUUIDString(domain.uuid)

    def _keep(self, handle: Any) -> DomainKey:
        self._made.append(handle)
        return key_of(handle)


def process_of(domain: DomainKey) -> int:
    """The pid of the domain's QEMU."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                arguments = (process / "cmdline").read_bytes().split(b"\0")
                if b"qemu-system" in arguments[0] and domain.uuid.encode() in arguments:
                    return int(process.name)
    raise LookupError(f"no process runs {domain.name}")


def resident(pid: int) -> int:
    """Bytes of memory that a process really has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# What a machine runs instead of a BIOS. FILL: into protected mode, then from 1 MiB to the end of memory, whose size the
# CMOS tells, the numbers 0x9e3779b9 + n * 0x61c88647; then it halts. Assembled from:
#   cli; A20 by port 0x92; lgdt cs:gdtr; PE; ljmp 8:pm; ds = es = 16; ecx = CMOS[0x35:0x34] << 14; add ecx, 15 << 18;
#   edi = 0x100000; eax = 0x9e3779b9; 1: stosd; add eax, 0x61c88647; loop 1b; 2: hlt; jmp 2b
# PANIC, once, although a machine starts anew: cli; [0x500] == 0x1234? halt : [0x500] = 0x1234; out(0x505, 1).
# WATCHDOG: cli; out(0x443, 15), which leaves an ib700 no time at all.
# WRITE: cli; write the first sector of the first IDE disk, from address 0.
# REFILL: the same, but edi is set anew, and the count from ebx, when the end is reached; eax is not.
_PROGRAMS = {
    "halt": bytes.fromhex("fa f4 eb fd"),  # cli; 1: hlt; jmp 1b
    "panic": bytes.fromhex("fa 813e00053412 740c c70600053412 ba0505 b001 ee f4 ebfd"),
    "watchdog": bytes.fromhex("fa ba4304 b00f ee f4 ebfd"),
    "write": bytes.fromhex(
        "fa baf601b0e0ee baf201b001ee baf301b000ee baf401b000ee baf501b000ee baf701b030ee"
        "ec a808 74fb baf001 b90001 31f6 fc f36f f4 ebfd"
    ),
    "fill": bytes.fromhex(
        "fae4920c02e6922e660f011670000f20c00c010f22c066ea1e000f00080066b810008ed88ec0b035e670e47188c4b034e670e471fc0f"
        "b7c8c1e10e81c100003c00bf00001000b8b979379eab054786c861e2f8f4ebfd66900000000000000000ffff0000009bcf00ffff0000"
        "0093cf00170058000f00"
    ),
    "refill": bytes.fromhex(
        "fae4920c02e6922e660f011670000f20c00c010f22c066ea1e000f00080066b810008ed88ec0b035e670e47188c4b034e670e4710fb7"
        "c8c1e10e81c100003c0089cbb8b979379e89d9bf00001000ab054786c861e2f8ebef0000000000000000ffff0000009bcf00ffff0000"
        "0093cf00170058000f00"
    ),
}
_RESET = bytes.fromhex("ea000000f0")  # ljmp f000:0, where a machine's first instruction is read from.


@functools.cache
def firmware(program: str) -> Path:
    """The image of a ROM with that program."""
    folder = Path(tempfile.mkdtemp(prefix="vj-boot-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o755)
    image = folder / program
    image.write_bytes((_PROGRAMS[program].ljust(0xFFF0, b"\0") + _RESET).ljust(0x10000, b"\0"))
    image.chmod(0o644)
    return image


def key_of(handle: Any) -> DomainKey:
    id = handle.ID()
    return DomainKey(handle.UUIDString(), None if id < 0 else id, clean(handle.name()))


def _remove(handle: Any) -> None:
    undefine = functools.partial(handle.undefineFlags, libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | _SNAPSHOTS)
    for remove in (handle.destroy, undefine):
        with contextlib.suppress(libvirt.libvirtError):
            remove()


def virsh_dump(uri: str, domain: DomainKey, path: Path, *options: str) -> subprocess.Popen[bytes]:
    """``virsh dump`` as somebody else runs it."""
    command = ["virsh", "-q", "-c", uri, "dump", domain.uuid, str(path), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def is_dump(path: Path, format_name: str) -> bool:
    """Whether the file begins as one of that format does."""
    with path.open("rb") as file:
        return file.read(32).startswith(_MAGIC[format_name])


class Fifo:
    """A target that hangs whoever opens it, until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path, 0o666)
        self._reader: threading.Thread | None = None

    def release(self) -> None:
        """Read everything that is written from now on."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._drain, daemon=True)
            self._reader.start()

    def _drain(self) -> None:
        with self.path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass


_STARTS = 3
"""A libvirt 9 that is started while a guest's dump ends crashes at QEMU's report of that end; the next one stays."""


class PrivateDaemon:
    """A session daemon of the tests' own, with its own sockets, run by nobody: it may be killed at any time."""

    OPTIONS: ClassVar[tuple[str, ...]] = ()
    """Of its command line."""

    def __init__(self, folder: Path, host: str = "") -> None:
        """`folder` has a short path: those of sockets are at most 107 bytes long.

        With a name for it, it takes itself for the daemon of another `host`, which domains can migrate to.
        """
        self.folder = folder
        self._host = host
        self._reapers: list[subprocess.Popen[bytes]] = []
        for name in ("run", "config/libvirt", "cache", "data"):
            (folder / name).mkdir(parents=True)
        if _known_capabilities().exists():
            shutil.copytree(_known_capabilities(), folder / _CAPABILITIES)
        qemu_conf = ['stdio_handler = "file"']
        if host:
            # What is picked by others may not be free for long; and what a post-copy needs, QEMU may not drop.
            port = random.randrange(50_000, 65_000, 64)
            qemu_conf += [f"migration_port_min = {port}", f"migration_port_max = {port + 63}"]
            qemu_conf += ["clear_emulator_capabilities = 0"]
            (folder / "config/libvirt/libvirtd.conf").write_text(f'host_uuid = "{uuid.uuid4()}"\n')
        (folder / "config/libvirt/qemu.conf").write_text("".join(f"{line}\n" for line in qemu_conf))
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

    @property
    def uri(self) -> str:
        return f"qemu+unix:///session?socket={self.folder}/run/libvirt/libvirt-sock"

    @property
    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except (OSError, ValueError):
            return False
        return True

    @property
    def pid(self) -> int:
        return int((self.folder / "run/libvirt/libvirtd.pid").read_text())

    def start(self) -> None:
        """Start it, and return once it answers."""
        for _ in range(_STARTS):
            (self.folder / "run/libvirt/libvirt-sock").unlink(missing_ok=True)
            self._launch()
            eventually((self.folder / "run/libvirt/libvirt-sock").is_socket)
            eventually(lambda: self._answers() or not self.alive)
            if self.alive:
                return
        raise AssertionError("it does not stay alive")

    def _launch(self) -> None:
        with (self.folder / "log").open("ab") as log:
            reaper = subprocess.Popen(
                [
                    *(sys.executable, str(Path(__file__).with_name("reaper.py"))),
                    *(_as_host(self._host) if self._host else ()),
                    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
                    *(_POSTCOPY if self._host else ()),
                    *(shutil.which("libvirtd") or "/usr/sbin/libvirtd", *self.OPTIONS),
                ],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.folder),
                    "XDG_RUNTIME_DIR": f"{self.folder}/run",
                    "XDG_CONFIG_HOME": f"{self.folder}/config",
                    "XDG_CACHE_HOME": f"{self.folder}/cache",
                    "XDG_DATA_HOME": f"{self.folder}/data",
                    "LC_ALL": LOCALE,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._reapers.append(reaper)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL: it does not get to say anything. Its domains live on, and its socket's name stays."""
        self.signal(signal.SIGKILL)
        eventually(lambda: not self.alive)
        (self.folder / "run/libvirt/libvirt-sock").unlink()

    def stop(self) -> None:
        """End it, if it runs."""
        if self.alive:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            eventually(lambda: not self.alive, 40)
        for reaper in self._reapers:
            reaper.kill()
            reaper.wait()
        self._reapers.clear()
        self._keep_capabilities()

    def _keep_capabilities(self) -> None:
        """Keep what was found out about QEMU, which takes seconds, for the daemons of the next tests."""
        kept = _known_capabilities()
        kept.mkdir(parents=True, exist_ok=True)
        for path in (self.folder / _CAPABILITIES).glob("*.xml"):
            if not (kept / path.name).exists() or (kept / path.name).read_bytes() != path.read_bytes():
                new = kept / f"{path.name}.{os.getpid()}"
                shutil.copy(path, new)
                new.replace(kept / path.name)

    def _answers(self) -> bool:
        try:
            libvirt.open(self.uri).close()
        except libvirt.libvirtError:
            return False
        return True


def _known_capabilities() -> Path:
    # libvirt itself notices what is out of date there.
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "virt-jobs-tests/capabilities"


def _as_host(name: str) -> tuple[str, ...]:
    """What runs the command that follows under a host name of its own."""
    return "unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', name
