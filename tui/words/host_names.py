"""What hosts are called: by their host name, as short as is unambiguous among the hosts that are shown together.

``qemu+ssh://root@hv7.example.org/system`` is ``hv7``; beside ``qemu+ssh://hv7.example.com/system`` it is
``hv7.example.org``, and beside ``lxc+ssh://root@hv7.example.org/`` it is ``hv7 (qemu)``.
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from backend.text import clean, hide_passwords

_OF_THIS_HOST = frozenset({"bhyve", "ch", "lxc", "openvz", "qemu", "vbox", "vz", "xen"})
"""Drivers of hypervisors that run on this very host where the URI names no other."""
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")


@dataclass(frozen=True, slots=True)
class _Place:
    """What the parts of a URI say of its hypervisor."""

    uri: str
    short: str
    host: str
    """In full."""
    details: tuple[str, ...] = ()
    """What tells connections to one host apart, the best first."""


def host_names(uris: Iterable[str], aliases: Mapping[str, str], here: str | None = None) -> dict[str, str]:
    """The name of each hypervisor, all different, ready to be shown.

    `aliases`: by URI, those that the user has given; they win. `here`: the name of this host; None: as it is.
    """
    here = socket.gethostname() if here is None else here
    uris = dict.fromkeys(uris)
    names = {uri: clean(aliases[uri]) for uri in uris if uri in aliases}
    places = [_place(uri, here) for uri in uris if uri not in aliases]
    taken = set(map(clean, aliases.values()))
    hosts: dict[str, set[str]] = {}
    for place in places:
        hosts.setdefault(place.short, set()).add(place.host)
    bases: dict[str, list[_Place]] = {}
    for place in places:
        plain = len(hosts[place.short]) == 1 and place.short not in taken
        bases.setdefault(place.short if plain else place.host, []).append(place)
    for base, group in bases.items():
        names |= _told_apart(base, group)
    shared = {name for name, number in Counter(names.values()).items() if number > 1}
    unclear = {uri for uri, name in names.items() if uri not in aliases and (name in shared or name in taken)}
    return names | {uri: _whole(uri) for uri in unclear}


def _told_apart(base: str, group: Sequence[_Place]) -> dict[str, str]:
    """The names of connections to one host."""
    if len(group) == 1:
        return {group[0].uri: base}
    names = {}
    for place in group:
        same = [other.details for other in group if other is not place]
        number = next((number for number, detail in enumerate(place.details) if _differs(number, detail, same)), None)
        names[place.uri] = f"{base}{place.details[number]}" if number is not None else _whole(place.uri)
    return names


def _differs(number: int, detail: str, others: Collection[Sequence[str]]) -> bool:
    return bool(detail) and all(len(other) <= number or other[number] != detail for other in others)


def _place(uri: str, here: str) -> _Place:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _Place(uri, _whole(uri), _whole(uri))
    driver, path = parts.scheme.partition("+")[0], clean(parts.path.strip("/"))
    if not host and driver not in _OF_THIS_HOST:
        # A simulator is no host, and what another backend's URIs mean is not known: its options say the least.
        plain = clean(f"{parts.scheme}://{parts.path}") if parts.scheme else _whole(uri)
        return _Place(uri, plain, plain)
    host = clean(host or here)
    short = host if _ADDRESS.fullmatch(host) else host.partition(".")[0]
    details = (f" ({driver})", f" ({driver}/{path})" if path else "", f":{port}" if port else "")
    return _Place(uri, short or host, host, details)


def _whole(uri: str) -> str:
    return clean(hide_passwords(uri))
