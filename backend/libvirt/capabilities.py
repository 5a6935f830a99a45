"""What a connection can do, as far as that is certain before an attempt."""

from __future__ import annotations

from dataclasses import dataclass

from backend.capabilities import Capabilities
from backend.dump_request import FORMAT_NAMES, DumpFlags
from backend.text import clean

_READ_ONLY = "the connection is read-only"
_WIN_DMP_SINCE = 7_004_000
_LIVE_UNTIL = 11_005_000


@dataclass(frozen=True, slots=True)
class Versions:
    """The other end of a connection. Versions are libvirt's numbers: major * 1,000,000 + minor * 1,000 + release."""

    driver: str
    hypervisor: int | None
    daemon: int
    formats: frozenset[str] | None
    """QEMU's names of the dump formats that it was built with; None if unknown."""


def capabilities(
    versions: Versions, local: bool, readonly: bool, monitor_events: str | None, own_rights: bool = False
) -> Capabilities:
    """What `versions` can do. `monitor_events` is the reason why QEMU's own events do not arrive; None if they do.

    `own_rights`: the daemon runs as this user.
    """
    refusal = _READ_ONLY if readonly else None
    formats: dict[str, str | None] = dict.fromkeys(FORMAT_NAMES)
    flags: dict[DumpFlags, str | None] = dict.fromkeys(flag for flag in DumpFlags if flag)
    daemon = dotted(versions.daemon)
    if versions.formats is not None:
        # raw is a migration stream, not one of QEMU's dump formats.
        for name in formats.keys() - versions.formats - {"raw"}:
            formats[name] = "this host's QEMU was built without it"
    if versions.daemon < _WIN_DMP_SINCE:
        formats["win-dmp"] = f"libvirt {daemon} cannot write it; libvirt 7.4 and later can"
    if versions.daemon >= _LIVE_UNTIL:
        flags[DumpFlags.LIVE] = f"libvirt {daemon} refuses it, as every libvirt since 11.5 does"
    hypervisor = clean(versions.driver)
    if versions.hypervisor:
        hypervisor += f" {dotted(versions.hypervisor)}"
    return Capabilities(
        hypervisor=f"{hypervisor}, libvirt {daemon}",
        local=local,
        formats=formats,
        flags=flags,
        own_rights=own_rights,
        dump=refusal,
        abort=refusal,
        resume=refusal,
        shared_records=refusal,
        migration=refusal,
        dump_events=monitor_events,
        begins=monitor_events,
    )


def dotted(version: int) -> str:
    """libvirt's version number as people write it: 9000000 is 9.0.0."""
    return f"{version // 1_000_000}.{version // 1_000 % 1_000}.{version % 1_000}"
