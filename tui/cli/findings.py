"""What `doctor` makes of the facts: findings in words, each with a mark. No I/O in here."""

from __future__ import annotations

import shlex
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.libvirt.connection.binding import Binding
from backend.model import Capabilities
from backend.observing.checkup import Checkup
from backend.records import process
from backend.records.record import JobRecord, RecordState
from backend.running.place import Place
from backend.text import clean
from tui.words import units


class Mark(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is wrong."""
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    mark: Mark
    text: str
    todo: str = ""
    """What to do about it."""
    uri: str | None = None
    """The hypervisor that it is about."""


def of_binding(found: Binding | str, how_to_get: str) -> Finding:
    """`found`: the binding, or why there is none."""
    if isinstance(found, str):
        return Finding("libvirt binding", Mark.ATTENTION, f"not usable ({clean(found)})", how_to_get)
    return Finding("libvirt binding", Mark.OK, f"{found.version or 'version unknown'}, client library {found.library}")


def of_libvirt_conf(path: str, aliases: Mapping[str, str], default: str | None, ours: Mapping[str, str]) -> Finding:
    """`ours`: the URIs of the config's own aliases, which come first."""
    parts = [f"aliases {', '.join(map(clean, aliases))}"] if aliases else []
    parts += [f"uri_default {clean(default)}"] if default else []
    if hidden := [name for name, uri in aliases.items() if ours.get(name, uri) != uri]:
        parts.append(f"of {', '.join(map(clean, hidden))} the config's own meaning holds")
    return Finding("libvirt.conf", Mark.OK, f"{clean(path)}: {'; '.join(parts) or 'names nothing'}")


def of_state(folder: str, mode: int | None, own: bool) -> Finding:
    """`mode`: its permissions; None: it is not there."""
    if mode is None:
        return Finding("state folder", Mark.OK, f"{clean(folder)} is made when it is needed")
    if not own:
        return Finding("state folder", Mark.ATTENTION, f"{clean(folder)} is another user's", "set XDG_STATE_HOME")
    rights = stat.S_IMODE(mode)
    if rights & 0o077:
        todo = shlex.join(["chmod", "700", folder])
        return Finding("state folder", Mark.ATTENTION, f"others can look into {clean(folder)} ({rights:03o})", todo)
    return Finding("state folder", Mark.OK, f"{clean(folder)}, for this user alone")


def of_journal(records: Sequence[JobRecord]) -> Iterator[Finding]:
    going = sum(not record.over and process.current_state(record) is not RecordState.LOST for record in records)
    words = f"{_count(len(records), 'dump')} on record" + (f", {going} of them running" if going else "")
    yield Finding("journal", Mark.OK, words)
    if stale := [record for record in records if not record.over and process.current_state(record) is RecordState.LOST]:
        last = stale[0]
        text = f"{_count(len(stale), 'record')} without a result, as the process behind it died; last {last.domain}"
        todo = shlex.join(["virt-jobs", "-c", last.uri, "wait", "--last", "--", last.domain])
        yield Finding("stale records", Mark.NOTE, text, f"what else is known tells: {todo}")


def of_host(found: Checkup, needed: bool) -> Iterator[Finding]:
    """What holds of a hypervisor, but for where its dumps go. `needed`: it is to answer, not just one of the usual."""
    if found.error is not None:
        what, _, todo = clean(found.error.message).rpartition("; ")
        yield Finding(
            "connection",
            Mark.ATTENTION if needed or found.capabilities is not None else Mark.NOTE,
            what or todo,
            todo if what else "",
            found.uri,
        )
    if found.capabilities is None:
        return
    if found.error is None:
        running = sum(domain.active for domain in found.domains)
        text = f"{found.capabilities.hypervisor}; {_count(len(found.domains), 'domain')}, {running} running"
        yield Finding(
            "connection", Mark.OK, f"{text}; answered in {max(1, round(found.seconds * 1000))} ms", "", found.uri
        )
    asked = found.capabilities.local and not found.readonly
    yield _able("formats", found.capabilities.formats, found.uri, "" if asked else "if its QEMU has them")
    flags = {label: reason for flag, reason in found.capabilities.flags.items() for label in flag.labels}
    yield _able("flags", flags, found.uri)
    yield from _rights(found, found.capabilities)
    for name in found.left_paused:
        todo = shlex.join(["virt-jobs", "-c", found.uri, "resume", "--", name])
        yield Finding("left paused", Mark.ATTENTION, f"{name}, by a dump that has no job any more", todo, found.uri)


def _able(subject: str, reasons: Mapping[str, str | None], uri: str, proviso: str = "") -> Finding:
    """What can be done, and what cannot and why."""
    able = [name for name, reason in reasons.items() if reason is None]
    unable: dict[str, list[str]] = defaultdict(list)
    for name, reason in reasons.items():
        if reason is not None:
            unable[reason].append(name)
    parts = [", ".join(able), proviso, *(f"not {', '.join(names)}: {reason}" for reason, names in unable.items())]
    return Finding(subject, Mark.OK if able else Mark.ATTENTION, "; ".join(filter(None, parts)), "", uri)


def _rights(found: Checkup, able: Capabilities) -> Iterator[Finding]:
    reasons = {"dump": able.dump, "abort": able.abort, "resume": able.resume, "share results": able.shared_records}
    denied = {reason for reason in reasons.values() if reason}
    text = "list and watch" if found.error is None else "connect"
    may = [name for name, reason in reasons.items() if reason is None]
    if may:
        text += f", {', '.join(may)}; rules of the daemon's own for single rights show only when something is tried"
    for reason in sorted(denied):
        text += f"; not {', '.join(name for name, why in reasons.items() if why == reason)}: {reason}"
    yield Finding("may", Mark.NOTE if denied else Mark.OK, text, "", found.uri)
    if able.dump_events is None:
        yield Finding("events", Mark.OK, "QEMU's own word on a dump's end is heard", "", found.uri)
    else:
        yield Finding(
            "events", Mark.NOTE, f"QEMU's own word on a dump's end is not heard: {able.dump_events}", "", found.uri
        )


def of_place(found: Checkup, path: str, place: Place | None, writable: bool | None) -> Finding:
    """Where the next dump would go. `place` is None where the file system did not answer, or cannot be seen."""
    where = clean(path)
    weight = max((domain.memory for domain in found.domains if domain.active), default=0)
    if place is None:
        return Finding("dumps go to", Mark.NOTE, f"{where}; the room there cannot be seen from here", "", found.uri)
    if place.folder is False:
        todo = "make the folder, or set path in [dump] of the config"
        return Finding("dumps go to", Mark.ATTENTION, f"{where}, which is not there", todo, found.uri)
    if writable is False:
        todo = "set path in [dump] of the config"
        return Finding("dumps go to", Mark.ATTENTION, f"{where}, where this user cannot write", todo, found.uri)
    if place.free is None:
        return Finding("dumps go to", Mark.NOTE, f"{where}; this user cannot see how much room there is", "", found.uri)
    room = f"{where}; {units.size(place.free)} are free"
    if place.free < weight:
        text = f"{room}, less than the {units.size(weight)} of the largest running domain"
        return Finding("dumps go to", Mark.ATTENTION, text, "make room, or set path in [dump] of the config", found.uri)
    return Finding("dumps go to", Mark.OK, room, "", found.uri)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
