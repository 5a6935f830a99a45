"""A systemd scope of its own for a runner, so that it does not end with the login or the service that started it.

systemd ends all processes of a unit together. What starts in a login belongs to the login's unit, which ends at logout
if logind's KillUserProcesses says so; what starts in a service ends with the service. A scope is a unit for processes
that exist already: the runner is moved into one while it starts, so that its job does not depend on systemd.
"""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 1.0
"""Seconds that systemd has to answer."""
BOOTED = Path("/run/systemd/system")
"""Exists where systemd is the init system; see sd_booted(3)."""
LINGERING = Path("/var/lib/systemd/linger")
"""Has a file for each user whose manager runs without a login; see loginctl(1)."""
_CGROUPS = Path("/proc/self/cgroup")
_SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
_LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


class NoScope(Exception):
    """Why a process stays in the unit that it was started in."""


@dataclass(frozen=True, slots=True)
class Login:
    """What decides which unit this process's dumps run in."""

    uid: int
    user: str
    booted: bool
    """Whether systemd is the init system."""
    lingering: bool
    """Whether the user's own manager outlives the user's logins."""
    in_user_manager: bool
    """Whether this process is in a unit of the user's manager already."""

    @property
    def objection(self) -> str | None:
        """Why a scope is impossible, or no better than the unit that this process is in."""
        if not self.booted:
            return "systemd is not running here"
        if self.uid and not (self.lingering or self.in_user_manager):
            # logind ends that manager soon after the last logout, but often leaves a login's own processes alone.
            return f"the user manager of {self.user} ends at logout"
        return None


@dataclass(frozen=True, slots=True)
class LogoutCheck:
    """What a logout does to the dumps that are started here."""

    login: Login
    error: str | None = None
    """Why the manager that makes the scopes cannot be used."""
    kills: bool | None = None
    """Whether logind ends what the user leaves behind at logout; None: unknown."""


def current_login() -> Login:
    """The login of this process."""
    uid = os.geteuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        cgroups = _CGROUPS.read_bytes()
    except OSError:
        cgroups = b""
    inside = f"/user@{uid}.service/".encode() in cgroups
    return Login(uid, user, BOOTED.is_dir(), (LINGERING / user).exists(), inside)


def move(pid: int, name: str, what: str = "a dump") -> None:
    """Move a process into the new scope `name`, which is for `what` and its result. Blocks up to twice DEADLINE.

    NoScope if it stays where it is.
    """
    login = current_login()
    # What logind ends with this login lives longer in the user's manager: as long as there is any login.
    if login.objection is not None and not (login.booted and _kills(login.user)):
        raise NoScope(login.objection)
    properties = (
        *("Description", "s", f"virt-jobs: {what} and its result"),
        *("CollectMode", "s", "inactive-or-failed"),
        *("PIDs", "au", "1", str(pid)),
    )
    # Its arguments: the unit, what to do about other jobs for it, its properties, and units to go with it.
    unit = ("ssa(sv)a(sa(sv))", f"{name}.scope", "fail", "3", *properties, "0")
    _busctl("call", *_bus_of_manager(login.uid), *_SYSTEMD, "StartTransientUnit", *unit)


def check_logout() -> LogoutCheck:
    """What a logout does to dumps that are started here. Blocks up to twice DEADLINE."""
    login = current_login()
    error = kills = None
    if login.booted:
        try:
            _busctl("get-property", *_bus_of_manager(login.uid), *_SYSTEMD, "Version")
        except NoScope as refusal:
            error = str(refusal)
        kills = _kills(login.user)
    return LogoutCheck(login, error, kills)


def _kills(user: str) -> bool | None:
    names = ("KillUserProcesses", "KillExcludeUsers", "KillOnlyUsers")
    try:
        enabled, excluded, only = map(shlex.split, _busctl("get-property", *_LOGIND, *names).splitlines())
    except (NoScope, ValueError):
        return None
    # Each line is a type and a value, that of a list its length and its items.
    spared = excluded[2:] or ["root"]
    return enabled[1:] == ["true"] and user not in spared and (not only[2:] or user in only[2:])


def _bus_of_manager(uid: int) -> tuple[str, ...]:
    """busctl's option for the bus of the manager that makes the user's scopes: for root the system's.

    Named, because a shell that su or cron has started does not know the user's own bus.
    """
    return (f"--address=unix:path=/run/user/{uid}/bus",) if uid else ()


def _busctl(*arguments: str) -> str:
    """The output of busctl. NoScope if it fails or does not end in time."""
    try:
        # Nobody is asked for a password, and no daemon is started.
        ended = subprocess.run(
            ["busctl", "--allow-interactive-authorization=no", "--auto-start=no", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoScope(f"systemd does not answer within {DEADLINE:g} s") from None
    except OSError as error:
        raise NoScope(f"busctl: {error.strerror}") from None
    if ended.returncode:
        lines = ended.stderr.strip().splitlines()
        raise NoScope(lines[-1] if lines else f"busctl failed (exit {ended.returncode})")
    return ended.stdout
