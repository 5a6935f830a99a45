"""Tries every way to install virt-jobs that docs/install.md names, each from scratch: ``python3 -m tests.installs``.

Needs Python and access to packages. After each install it uses the command as a newcomer would, and prints how long the
install took. Exits with 1 if a way fails. A way that is impossible on this machine is skipped with the reason.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
LIMIT = 30.0
"""Seconds without output after which the console counts as hung."""


class Failed(Exception):
    """A way to install failed; the message says which step."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to install: `install` installs below a folder and returns the path of the command."""

    name: str
    install: Callable[[Path], Path]
    with_libvirt: bool = False
    missing: Callable[[], str] = lambda: ""
    """Why it cannot be tried on this machine; empty if it can."""


def run(*command: object, env: dict[str, str] | None = None) -> str:
    process = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        reason = (process.stderr.strip() or process.stdout.strip() or "no output").splitlines()[-1]
        raise Failed(f"`{' '.join(map(str, command))}` exited with {process.returncode}: {reason}")
    return process.stdout


def with_pip(folder: Path, package: str, *options: str, python: str = sys.executable) -> Path:
    run(python, "-m", "venv", *options, folder / "venv")
    run(folder / "venv/bin/pip", "install", "-q", "--disable-pip-version-check", package)
    return folder / "venv/bin/virt-jobs"


def built(folder: Path, kind: str) -> str:
    """The path of the wheel or sdist, built as it would be published."""
    run(sys.executable, "-m", "venv", folder / "build")
    run(folder / "build/bin/pip", "install", "-q", "--disable-pip-version-check", "build")
    run(folder / "build/bin/python", "-m", "build", f"--{kind}", "--outdir", folder / "dist", source(folder))
    [package] = (folder / "dist").iterdir()
    return str(package)


def source(folder: Path) -> Path:
    """A copy of the project, so that a build leaves nothing behind in the checkout."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    return Path(shutil.copytree(SOURCE, folder / "source", ignore=ignored, dirs_exist_ok=True))


def tool(folder: Path, name: str) -> Path:
    run(sys.executable, "-m", "venv", folder / name)
    run(folder / name / "bin/pip", "install", "-q", "--disable-pip-version-check", name)
    return folder / name / "bin" / name


def with_pipx(folder: Path) -> Path:
    places = {"PIPX_HOME": f"{folder}/home", "PIPX_BIN_DIR": f"{folder}/bin", "PIPX_MAN_DIR": f"{folder}/man"}
    run(tool(folder, "pipx"), "install", source(folder), env=places)
    return folder / "bin/virt-jobs"


def with_uv(folder: Path) -> Path:
    places = {"UV_TOOL_DIR": f"{folder}/tools", "UV_TOOL_BIN_DIR": f"{folder}/bin", "UV_CACHE_DIR": f"{folder}/cache"}
    run(tool(folder, "uv"), "tool", "install", "-q", source(folder), env=places)
    return folder / "bin/virt-jobs"


def with_dev(folder: Path) -> Path:
    run(source(folder) / "dev", "demo", "--version")
    return folder / "source/.venv/bin/virt-jobs"


def no_headers() -> str:
    if shutil.which("pkg-config") is None or subprocess.run(["pkg-config", "--exists", "libvirt"]).returncode:
        return "libvirt's headers are not installed: apt install libvirt-dev pkg-config gcc python3-dev"
    return "" if shutil.which("cc") else "no C compiler is installed: apt install gcc"


def no_system_binding() -> str:
    command = [SYSTEM_PYTHON, "-c", "import libvirt"]
    if not os.path.exists(SYSTEM_PYTHON) or subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
        return "the distribution's binding is not installed: apt install python3-libvirt"
    return ""


WAYS = (
    Way("./dev demo", with_dev),
    Way("pip install .", lambda folder: with_pip(folder, str(source(folder)))),
    Way("pip install the wheel", lambda folder: with_pip(folder, built(folder, "wheel"))),
    Way("pip install the sdist", lambda folder: with_pip(folder, built(folder, "sdist"))),
    Way("pipx install .", with_pipx),
    Way("uv tool install .", with_uv),
    Way("pip install '.[libvirt]'", lambda folder: with_pip(folder, f"{source(folder)}[libvirt]"), True, no_headers),
    Way(
        "pip install . beside python3-libvirt",
        lambda folder: with_pip(folder, str(source(folder)), "--system-site-packages", python=SYSTEM_PYTHON),
        True,
        no_system_binding,
    ),
)


def try_command(command: Path, folder: Path, with_libvirt: bool) -> None:
    """Use it as a newcomer would."""
    home = {"HOME": str(folder), "XDG_STATE_HOME": f"{folder}/state", "XDG_CONFIG_HOME": f"{folder}/config"}
    if "virt-jobs" not in run(command, "--version", env=home):
        raise Failed("--version does not name virt-jobs")
    if "db-01" not in run(command, "-c", "sim:///demo", "list", env=home):
        raise Failed("the simulator's domains are not listed")
    opens_the_console(command, home)
    if with_libvirt and (
        os.path.exists("/run/libvirt/libvirt-sock") or os.path.exists("/var/run/libvirt/libvirt-sock")
    ):
        run(command, "-c", "qemu:///system", "list", env=home)


def opens_the_console(command: Path, env: dict[str, str]) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command, [str(command), "--demo"], {**os.environ, **env, "TERM": "xterm-256color"})
    output = b""
    until = time.monotonic() + LIMIT
    try:
        # The domain with a problem stands at the top of every screen.
        while not (b"SIMULATED" in output and b"ldap-01" in output):
            chunk = read(terminal, until)
            if not chunk:
                raise Failed(f"the console did not open: {output.decode(errors='replace').strip()}")
            output += chunk
        os.write(terminal, b"q")
        until = time.monotonic() + LIMIT
        while read(terminal, until):
            pass
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    if status:
        raise Failed(f"the console ended with {os.waitstatus_to_exitcode(status)}")


def read(terminal: int, until: float) -> bytes:
    """The terminal's next output; empty when the program has ended. Failed if that takes too long."""
    ready, _, _ = select.select([terminal], [], [], max(0.0, until - time.monotonic()))
    if not ready or time.monotonic() >= until:
        raise Failed(f"the console did not open, or end, within {LIMIT:g} s")
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def main() -> None:
    failed = False
    for way in WAYS:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="virt-jobs-") as name:
            try:
                result = f"skipped: {why}" if (why := way.missing()) else ""
                if not result:
                    command = way.install(Path(name))
                    installed = time.monotonic() - started
                    try_command(command, Path(name), way.with_libvirt)
                    result = f"{installed:5.1f} s"
            except Failed as error:
                failed, result = True, f"failed: {error}"
        print(f"{way.name:<38} {result}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
