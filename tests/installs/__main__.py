"""Installs virt-jobs in every way that the README names, each from scratch: ``python3 -m tests.installs``.

Needs Python and a way to fetch packages. Then the command is used as a newcomer would. Prints how long each install
took; exits 1 where one does not work. A way whose needs are not met here is skipped, with the reason.
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
"""Seconds that the console may take for its next step."""


class Failed(Exception):
    """A way did not work; the message says what did not."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to install: `install` puts it below a folder and returns the command."""

    name: str
    install: Callable[[Path], Path]
    with_libvirt: bool = False
    missing: Callable[[], str] = lambda: ""
    """Why it cannot be tried here."""


def run(*command: object, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise Failed(f"`{' '.join(map(str, command))}` exited with {done.returncode}: {said}")
    return done.stdout


def with_pip(folder: Path, what: str, *options: str, python: str = sys.executable) -> Path:
    run(python, "-m", "venv", *options, folder / "venv")
    run(folder / "venv/bin/pip", "install", "-q", "--disable-pip-version-check", what)
    return folder / "venv/bin/virt-jobs"


def built(folder: Path, kind: str) -> str:
    """The wheel or sdist, as it would be published."""
    run(sys.executable, "-m", "venv", folder / "build")
    run(folder / "build/bin/pip", "install", "-q", "--disable-pip-version-check", "build")
    run(folder / "build/bin/python", "-m", "build", f"--{kind}", "--outdir", folder / "dist", source(folder))
    [found] = (folder / "dist").iterdir()
    return str(found)


def source(folder: Path) -> Path:
    """A copy of the project: what a build leaves behind is not to be left in the checkout."""
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
    return "" if shutil.which("cc") else "there is no C compiler: apt install gcc"


def no_system_binding() -> str:
    asked = [SYSTEM_PYTHON, "-c", "import libvirt"]
    if not os.path.exists(SYSTEM_PYTHON) or subprocess.run(asked, stderr=subprocess.DEVNULL).returncode:
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
        raise Failed("--version does not say what it is")
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
    seen = b""
    try:
        while not (b"SIMULATED" in seen and b"db-01" in seen):
            more = read(terminal)
            if not more:
                raise Failed(f"the console did not open: {seen.decode(errors='replace').strip()}")
            seen += more
        os.write(terminal, b"q")
        while read(terminal):
            pass
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    if status:
        raise Failed(f"the console ended with {os.waitstatus_to_exitcode(status)}")


def read(terminal: int) -> bytes:
    """What the terminal shows next; nothing once the program is over."""
    ready, _, _ = select.select([terminal], [], [], LIMIT)
    if not ready:
        raise Failed("the console stands still")
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def main() -> None:
    failed = False
    for way in WAYS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="virt-jobs-") as name:
            try:
                result = f"skipped: {why}" if (why := way.missing()) else ""
                if not result:
                    command = way.install(Path(name))
                    installed = time.monotonic() - began
                    try_command(command, Path(name), way.with_libvirt)
                    result = f"{installed:5.1f} s"
            except Failed as error:
                failed, result = True, f"failed: {error}"
        print(f"{way.name:<38} {result}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
