"""What a simulator's URI says: ``sim:///NAME?domains=&jobs=&memory=&rate=&latency=&fail=``."""

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
    """What goes wrong with the dumps that are asked for through a URI."""

    NONE = ""
    DISK_FULL = "disk-full"
    DESTROYED = "destroyed"
    """The domain is destroyed half-way."""
    CRASH = "crash"
    """The domain's QEMU dies half-way."""
    HANG = "hang"
    """The target hangs: nothing answers for the domain for a minute, then the dump fails."""
    DISCONNECT = "disconnect"
    """Connections are lost for some seconds; the dump goes on."""


@dataclass(frozen=True, slots=True)
class Options:
    """A parsed URI. The fleet's options are None where the URI does not say: the simulator stays as it is."""

    name: str = DEFAULT_NAME
    domains: int | None = None
    """How many domains the fleet has."""
    jobs: int | None = None
    """On how many of them a job runs at all times."""
    memory: int | None = None
    """Bytes of memory of each domain of the fleet."""
    rate: int = 256 * MIB
    """Bytes a second that the dumps asked for through this URI write."""
    latency: float = 0.0
    """Seconds that every call takes."""
    fail: Fail = Fail.NONE


def parse(uri: str) -> Options:
    """The options in `uri`. InvalidURI, naming the option, for one that is unknown or does not fit."""
    parts = urlsplit(uri)
    name = unquote(parts.path).strip("/") or DEFAULT_NAME
    if parts.netloc:
        raise InvalidURI(f"invalid URI {uri}: a simulator has no host; three slashes: sim:///{parts.netloc}")
    if not _NAME.fullmatch(name):
        raise InvalidURI(f"invalid URI {uri}: the simulator's name may have letters, digits, '.', '_' and '-' only")
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise InvalidURI(f"invalid URI {uri}: options are written ?domains=5&jobs=2") from None
    given = dict(pairs)
    known = [*_LIMITS, "fail"]
    for option in given:
        if option not in known:
            raise InvalidURI(f"invalid URI {uri}: no option {option!r}; there are {', '.join(known)}")
    numbers = {option: _number(uri, option, given[option]) for option in _LIMITS if option in given}
    fail = given.get("fail", "")
    if "fail" in given and fail not in [*Fail][1:]:
        raise InvalidURI(f"invalid URI {uri}: fail={fail} is none of {', '.join([*Fail][1:])}")
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
    least, most = (1 if option in ("memory", "rate") else 0), _LIMITS[option]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise InvalidURI(f"invalid URI {uri}: {option}={text} is no whole number from {least} to {most}")
    return int(text)
