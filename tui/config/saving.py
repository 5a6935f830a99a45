"""Adds hosts to the user's config, as a person would: everything else in the file stays as it was written.

The standard library reads TOML and does not write it. So the text is changed in the few places where a person would
change it, and a change counts only if the file then says what it said before and nothing but the new hosts besides.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from backend.text import clean, hide_passwords
from tui.config.toml_source import ConfigError, Source
from tui.config.toml_text import literal, written
from tui.config.values import Config, Connection, parse

Candidates = Iterator[str]
"""Texts that may be right, the nicest first."""


def save_hosts(path: Path, hosts: Mapping[str, str], default: Sequence[str]) -> None:
    """Let the file at `path` have these hosts as connections, and connect to them by default.

    `hosts`: what each is called, by URI; that becomes its alias. `default`: the URIs that were connected to so far,
    for a file that does not say. ConfigError, in one line, if that is impossible; then nothing is changed.
    """
    for uri, name in hosts.items():
        if hide_passwords(uri) != uri:
            raise ConfigError(clean(f"{name}: its URI has a password in it, which is not written into a config"))
    source = Source.read(path)
    before = parse(source)
    after = _with_hosts(before, hosts, default)
    text = source.text
    if after.connect != before.connect:
        goal = replace(before, connect=after.connect)
        text = _first_that_says(goal, path, _with_connect(text, before.connect, after.connect))
    new = {alias: {"uri": it.uri} for alias, it in after.connections.items() if alias not in before.connections}
    if new:
        tables = written({"connections": new}).lstrip("\n")
        text = _first_that_says(after, path, iter([_above(text) + tables]))
    if text != source.text:
        _write(path, text)


def _with_hosts(config: Config, hosts: Mapping[str, str], default: Sequence[str]) -> Config:
    connections = dict(config.connections)
    connect = list(config.connect) or [config.alias(uri) or uri for uri in default]
    reached = set(config.uris(connect))
    for uri, name in hosts.items():
        alias = config.alias(uri)
        if alias is None:
            alias = _free_alias(name, {*connections, *config.groups})
            connections[alias] = Connection(uri)
        if uri not in reached:
            connect.append(alias)
    return replace(config, connect=tuple(connect), connections=MappingProxyType(connections))


def _free_alias(name: str, taken: Iterable[str]) -> str:
    alias = re.sub(r"[^\w.-]+", "-", name.partition("://")[2] or name).strip("-.") or "host"
    names = (alias, *(f"{alias}-{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in taken)


def _first_that_says(goal: Config, path: Path, candidates: Candidates) -> str:
    """The first text that is a config with the values of `goal`."""
    for text in candidates:
        with suppress(ConfigError):
            if parse(Source(path, text)).values() == goal.values():
                return text
    raise ConfigError(clean(f"{path}: cannot be changed without changing more in it; add the hosts by hand"))


def _above(text: str) -> str:
    """`text` with a blank line at its end."""
    return text.rstrip("\n") + "\n\n" if text.strip() else ""


def _with_connect(text: str, before: Sequence[str], after: Sequence[str]) -> Candidates:
    """`text` with more in its list `connect`."""
    if not before:
        yield from (text[: place.end()] + ", ".join(map(literal, after)) + text[place.end() :]
                    for place in re.finditer(r"\[", text))  # fmt: skip
        yield from _with_new_list(text, written({"connect": list(after)}))
        return
    new = [literal(name) for name in after[len(before) :]]
    # What follows the last element's quotation mark: all of them are tried.
    for place in reversed(list(re.finditer("[\"']", text))):
        end = text.find("\n", place.end())
        end = len(text) if end < 0 else end
        line, rest = text[text.rfind("\n", 0, place.start()) + 1 : place.end()], text[place.end() : end]
        if indent := re.match(r"([ \t]+)(?=[\"'][^\"']*[\"']$)", line):
            comma = "" if rest.lstrip().startswith(",") else ","
            lines = [f"{indent[1]}{name}" for name in new]
            yield "\n".join([text[: place.end()] + comma + rest, ",\n".join(lines) + ","[len(comma) :]]) + text[end:]
        yield text[: place.end()] + "".join(f", {name}" for name in new) + text[place.end() :]


def _with_new_list(text: str, statement: str) -> Candidates:
    """`text` with a statement that has to stand before all tables, and the comments above them."""
    lines = text.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    gap = "\n" if lines[first:] else ""
    yield _ended("".join(lines[:first])) + statement + gap + "".join(lines[first:])
    yield statement + gap + text


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _write(path: Path, text: str) -> None:
    """Replace the file at once, through links to it, with the rights that it has."""
    target = Path(os.path.realpath(path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = target.stat() if target.exists() else None
        newline = "\r\n" if status is not None and b"\r\n" in target.read_bytes() else "\n"
        if status is not None and not os.access(target, os.W_OK):
            raise PermissionError(13, "it is read-only")
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with open(descriptor, "w", encoding="utf-8", newline=newline) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if status is not None:
                os.chmod(name, status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.chown(name, status.st_uid, status.st_gid)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise ConfigError(clean(f"{path}: cannot be written: {os.strerror(error.errno or 0)}")) from None
