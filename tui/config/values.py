"""The values of ``config.toml`` in the user's config folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from backend.dump_request import FORMAT_NAMES
from backend.text import clean
from tui.config import dump_path
from tui.config.columns import COLUMNS, usable
from tui.config.keys import action_id
from tui.config.path import config_path
from tui.config.toml_source import Check, Source, Table

COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "magenta", "grey")
DEFAULT_THEME = "virt-jobs"
MOST_AT_ONCE = 99
MOST_OFTEN, LEAST_OFTEN = 4.0, 0.1
"""Hz"""
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Connection:
    """A hypervisor under an alias."""

    uri: str
    colour: str = ""
    """One of COLOURS or ``#rrggbb``; empty: no colour."""
    readonly: bool = False


@dataclass(frozen=True, slots=True)
class Dumps:
    """Defaults for dumps."""

    path: str = dump_path.DEFAULT
    """A template; see `dump_path`."""
    format: str = "elf"
    """One of FORMAT_NAMES."""
    publish: bool = True
    """Whether records are shared with other users and hosts, in the domain's metadata."""
    at_once: int = 2
    """The maximum number of dumps that the console runs at the same time per host; others are queued."""


@dataclass(frozen=True, slots=True)
class Notifications:
    """How the end of a job is announced."""

    bell: bool = True
    osc: Literal["9", "777", "off"] = "off"
    """The escape sequence for a desktop notification."""
    on_end: str = ""
    """A shell command; empty: none."""


@dataclass(frozen=True, slots=True)
class Action:
    """A command of the user's own that the console offers."""

    key: str
    """Checked by `tui.config.console.check`."""
    name: str
    """For people."""
    command: str
    """For a shell. What it is about is in its environment."""
    target: Literal["domain", "job", "host"] = "domain"
    """What it is about: a domain, the job of one or of a disk, or a host."""
    where: Literal["background", "terminal"] = "background"
    """``terminal``: the console leaves the terminal to it until it ends."""
    confirm: bool = False
    """Whether the console asks before."""


@dataclass(frozen=True, slots=True)
class Config:
    connect: tuple[str, ...] = ()
    """The default hypervisors: aliases, groups or URIs."""
    refresh: float = MOST_OFTEN
    """The maximum number of screen updates, in Hz."""
    theme: str = DEFAULT_THEME
    ascii: bool | Literal["auto"] = "auto"
    """Whether the console uses ASCII only; ``auto``: if the terminal's encoding or kind requires it."""
    mouse: bool = True
    """Whether the console gets the mouse; if not, the terminal itself selects text with it."""
    columns: tuple[str, ...] = ()
    """The ids of the console's columns, in their order (see `tui.config.columns`); empty: as the user chose last."""
    connections: Mapping[str, Connection] = field(default_factory=lambda: MappingProxyType({}))
    """By alias."""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Aliases and URIs, by group name."""
    dump: Dumps = Dumps()
    notifications: Notifications = Notifications()
    keymap: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Binding ids -> keys, with commas between several. Checked by `tui.config.console.check`."""
    actions: tuple[Action, ...] = ()
    source: Source = field(default_factory=lambda: Source(Path(config_path())), compare=False, repr=False)

    @property
    def custom_keys(self) -> dict[str, str]:
        """The keys that the user has chosen, by binding id: those of the keymap, and of the own actions."""
        return {**self.keymap, **{action_id(index): action.key for index, action in enumerate(self.actions)}}

    def connection(self, name: str) -> Connection:
        """The connection with that alias or URI; one without settings if the config has none."""
        if name in self.connections:
            return self.connections[name]
        matches = (connection for connection in self.connections.values() if connection.uri == name)
        return next(matches, Connection(name))

    def uris(self, names: Iterable[str]) -> tuple[str, ...]:
        """The URIs behind groups, aliases and URIs, in order and without duplicates."""
        members = (member for name in names for member in self.groups.get(name, (name,)))
        return tuple(dict.fromkeys(self.connection(member).uri for member in members))

    def alias(self, uri: str) -> str | None:
        """The alias of a URI, if any."""
        return self.aliases.get(uri)

    @property
    def aliases(self) -> dict[str, str]:
        """The aliases by URI; of several for one URI, the first."""
        return {connection.uri: alias for alias, connection in reversed(list(self.connections.items()))}

    def values(self) -> dict[str, Any]:
        """All settings as plain values, under the keys of the file."""
        values = {spec.name: getattr(self, spec.name) for spec in fields(self) if spec.name != "source"}
        tables = {alias: asdict(connection) for alias, connection in self.connections.items()}
        return values | {
            "connect": list(self.connect),
            "columns": list(self.columns),
            "connections": tables,
            "groups": {name: list(members) for name, members in self.groups.items()},
            "dump": asdict(self.dump),
            "notifications": asdict(self.notifications),
            "keymap": dict(self.keymap),
            "actions": [asdict(action) for action in self.actions],
        }


def load(path: str | None = None) -> Config:
    """The config in the file at `path` (by default the user's own); the defaults if it does not exist.

    ConfigError if a setting is invalid.
    """
    return parse(Source.read(Path(path or config_path())))


def parse(source: Source) -> Config:
    """The config in `source`."""
    root = Table(source, source.values())
    connections, groups = root.table("connections"), root.table("groups")
    config = root.make(
        Config,
        {
            "connect": _names,
            "refresh": _refresh,
            "theme": _text,
            "ascii": _ascii,
            "mouse": _flag,
            "columns": _columns,
        },
        connections=MappingProxyType({alias: _connection(connections, alias) for alias in connections.values}),
        groups=MappingProxyType({name: _group(groups, name, connections) for name in groups.values}),
        dump=root.table("dump").make(
            Dumps, {"path": _template, "format": _one_of(*FORMAT_NAMES), "publish": _flag, "at_once": _at_once}
        ),
        notifications=root.table("notifications").make(
            Notifications, {"bell": _flag, "osc": _one_of("9", "777", "off"), "on_end": _text}
        ),
        keymap=MappingProxyType(_keymap(root.table("keymap"))),
        actions=tuple(map(_action, root.tables("actions"))),
    )
    return replace(config, source=source)


def _connection(connections: Table, alias: str) -> Connection:
    if not _NAME.fullmatch(alias):
        raise connections.refusal(alias, "an alias may only contain letters, digits, _, - and .")
    table = connections.table(alias)
    if "uri" not in table.values:
        raise connections.refusal(alias, 'needs uri = "…"')
    return table.make(Connection, {"uri": _uri, "colour": _colour, "readonly": _flag})


def _group(groups: Table, name: str, connections: Table) -> tuple[str, ...]:
    if not _NAME.fullmatch(name):
        raise groups.refusal(name, "a group name may only contain letters, digits, _, - and .")
    if name in connections.values:
        raise groups.refusal(name, "is also the alias of a connection; choose another name")
    members: tuple[str, ...] = groups.value(name, _members)
    for member in members:
        if member not in connections.values and "://" not in member:
            raise groups.refusal(name, f"{member!r} is neither a URI nor an alias in [connections]", member)
    return members


def _keymap(table: Table, prefix: str = "") -> dict[str, str]:
    # To TOML, cursor.down = "j" is a table in a table and "cursor.down" = "j" is not; here both mean the same.
    keys: dict[str, str] = {}
    for binding_id, value in table.values.items():
        if isinstance(value, dict):
            keys |= _keymap(table.table(binding_id), f"{prefix}{binding_id}.")
        elif isinstance(value, str) and value.strip(" ,"):
            keys[prefix + binding_id] = ",".join(key.strip() for key in value.split(","))
        else:
            raise table.refusal(binding_id, 'must be a key, or several separated by commas, such as "w,enter"')
    return keys


def _action(table: Table) -> Action:
    table.require("key", "name", "command")
    return table.make(
        Action,
        {
            "key": _words,
            "name": _label,
            "command": _words,
            "target": _one_of("domain", "job", "host"),
            "where": _one_of("background", "terminal"),
            "confirm": _flag,
        },
    )


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _at_once(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_AT_ONCE:
        raise ValueError(f"an integer from 1 to {MOST_AT_ONCE}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("a string in quotes")
    return value


def _words(value: object) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError("a string in quotes that is not empty")
    return text


def _label(value: object) -> str:
    text = _words(value)
    if clean(text) != text:
        raise ValueError("one line without control characters")
    return text


def _uri(value: object) -> str:
    if not isinstance(value, str) or not value or clean(value) != value:
        raise ValueError("a URI in quotes")
    return value


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError('a list of aliases or URIs, such as ["hv1", "hv2"]')
    return tuple(value)


def _members(value: object) -> tuple[str, ...]:
    if not value:
        raise ValueError('a list of aliases or URIs, such as ["hv1", "hv2"], with at least one member')
    return _names(value)


def _refresh(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not LEAST_OFTEN <= value <= MOST_OFTEN:
        raise ValueError(f"a number from {LEAST_OFTEN:g} to {MOST_OFTEN:g} (updates per second)")
    return float(value)


def _ascii(value: object) -> bool | Literal["auto"]:
    if value == "auto":
        return "auto"
    if not isinstance(value, bool):
        raise ValueError('true, false or "auto"')
    return value


def _columns(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each in COLUMNS for each in value):
        raise ValueError(f"a list of columns: {', '.join(COLUMNS)}")
    return usable(value) if value else ()


def _colour(value: object) -> str:
    if not isinstance(value, str) or not (value in ("", *COLOURS) or re.fullmatch("#[0-9a-fA-F]{6}", value)):
        raise ValueError(f"one of {', '.join(COLOURS)}, or #rrggbb")
    return value


def _template(value: object) -> str:
    template = _text(value)
    if (wrong := dump_path.objection(template)) is not None:
        raise ValueError(wrong)
    return template


def _one_of(*names: str) -> Check:
    def check(value: object) -> Any:
        if value not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return value

    return check
