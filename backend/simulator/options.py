"""The options in a simulator's URI: ``sim:///NAME?domains=&jobs=&memory=&rate=&latency=&fail=``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

from backend.errors import InvalidURI

MIB = 1024 * 1024
DEFAULT_NAME = "default"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_LIMITS = {"domains": 100_000, "jobs": 100_000, "memory": 16 * 1024 * 1024, "rate": 1024 * 1024, "latency": 60_000}


class Fail(StrEnum):
    """How the dumps fail that are requested through a URI; a full disk fails block jobs and push backups as well."""

    NONE = ""
    DISK_FULL = "disk-full"
    DESTROYED = "destroyed"
    """The domain is destroyed half-way through."""
    CRASH = "crash"
    """The domain's QEMU dies half-way through."""
    HANG = "hang"
    """The target hangs: the domain answers no call for a minute, then the dump fails."""
    DISCONNECT = "disconnect"
    """Connections are lost for some seconds; the dump continues."""


@dataclass(frozen=True, slots=True)
class Options:
    """A parsed URI. Options of the fleet that the URI does not set are None: they stay as they are."""

    name: str = DEFAULT_NAME
    domains: int | None = None
    """How many domains the fleet has."""
    jobs: int | None = None
    """How many of the domains have a job at any time."""
    memory: int | None = None
    """Bytes of memory of each domain of the fleet."""
    rate: int = 256 * MIB
    """Bytes per second that dumps requested through this URI write."""
    latency: float = 0.0
    """Seconds that every call takes."""
    fail: Fail = Fail.NONE


def parse(uri: str) -> Options:
    """The options in `uri`. InvalidURI names an option that is unknown or has an invalid value."""
    parts = urlsplit(uri)
    name = unquote(parts.path).strip("/") or DEFAULT_NAME
    if parts.netloc:
        raise InvalidURI(f"invalid URI {uri}: a simulator has no host; write three slashes: sim:///{parts.netloc}")
    if not _NAME.fullmatch(name):
        raise InvalidURI(f"invalid URI {uri}: a simulator's name consists of letters, digits, '.', '_' and '-'")
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise InvalidURI(f"invalid URI {uri}: write options as ?domains=5&jobs=2") from None
    values = dict(pairs)
    valid = [*_LIMITS, "fail"]
    for option in values:
        if option not in valid:
            raise InvalidURI(f"invalid URI {uri}: unknown option {option!r}; the options are {', '.join(valid)}")
    numbers = {option: _number(uri, option, values[option]) for option in _LIMITS if option in values}
    fail = values.get("fail", "")
    if "fail" in values and fail not in [*Fail][1:]:
        raise InvalidURI(f"invalid URI {uri}: fail={fail} must be one of {', '.join([*Fail][1:])}")
    defaults = Options()
    return Options(
        name=name,
        domains=numbers.get("domains"),
        jobs=numbers.get("jobs"),
        memory=numbers["memory"] * MIB if "memory" in numbers else None,
        rate=numbers["rate"] * MIB if "rate" in numbers else defaults.rate,
        latency=numbers.get("latency", 0) / 1000,
        fail=Fail(fail),
    )


def _number(uri: str, option: str, text: str) -> int:
    minimum, maximum = (1 if option in ("memory", "rate") else 0), _LIMITS[option]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and minimum <= int(text) <= maximum):
        raise InvalidURI(f"invalid URI {uri}: {option}={text} must be an integer from {minimum} to {maximum}")
    return int(text)
