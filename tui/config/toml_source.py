"""A TOML file written by a person: its checked values and the line of each key."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from backend.text import clean

Made = TypeVar("Made")
Check = Callable[[object], Any]
"""Returns the value to use; ValueError with a description of the allowed values."""
Keys = tuple[str | int, ...]
"""What leads to a value: keys, and indexes in arrays of tables."""


class ConfigError(click.ClickException):
    """A setting is invalid; the message is one line that names the file, the line number and the key."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file; empty if it does not exist."""

    path: Path
    text: str = ""

    @classmethod
    def read(cls, path: Path) -> Source:
        """The file at `path`; ConfigError if it exists but cannot be read."""
        try:
            return cls(path, path.read_text("utf-8"))
        except FileNotFoundError:
            return cls(path)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read: {os.strerror(error.errno or 0)}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{path}: must be UTF-8") from None

    def values(self) -> dict[str, Any]:
        """Its unchecked values; ConfigError if it is not valid TOML."""
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r" \(at line (\d+), column \d+\)$", str(error))
            line, why = (place[1], str(error)[: place.start()]) if place else (self.text.count("\n") + 1, str(error))
            raise ConfigError(clean(f"{self.path}:{line}: not valid TOML: {why[:1].lower()}{why[1:]}")) from None

    def refusal(self, keys: Keys, why: str, member: str = "") -> ConfigError:
        """The error for the value of `keys`, or for `member` of the list there, with the reason `why`."""
        line = self._line(keys)
        if line and member:
            below = enumerate(self.text.splitlines()[line - 1 :], line)
            line = next((number for number, text in below if member in text), line)
        place = f"{self.path}:{line}" if line else str(self.path)
        return ConfigError(clean(f"{place}: {_dotted(keys)}: {why}"))

    def _line(self, keys: Keys) -> int | None:
        """The line number of the statement that sets `keys`; None if there is none.

        The parser gives no line numbers. But the statement that sets a key ends the shortest beginning of the file
        that parses and contains the key, and it starts where the longest shorter beginning that parses ends.
        """
        lines = self.text.splitlines(keepends=True)
        start = 1
        for end in range(1, len(lines) + 1):
            try:
                values = tomllib.loads("".join(lines[:end]))
            except tomllib.TOMLDecodeError:
                continue
            if _holds(values, ".".join(map(str, keys))):
                return start
            start = end + 1
        return None


def _dotted(keys: Keys) -> str:
    """As they are written in the file, where a table of an array has no number."""
    return ".".join(key for key in keys if isinstance(key, str))


def _holds(values: object, path: str) -> bool:
    if isinstance(values, list):
        values = {str(index): value for index, value in enumerate(values)}
    if not isinstance(values, dict):
        return False
    return path in values or any(
        path.startswith(f"{key}.") and _holds(value, path[len(key) + 1 :]) for key, value in values.items()
    )


@dataclass(frozen=True, slots=True)
class Table:
    """The values of one table in a source."""

    source: Source
    values: Mapping[str, object]
    keys: Keys = ()
    """The keys that lead to the table; none for the file itself."""

    def make(self, kind: Callable[..., Made], checks: Mapping[str, Check], **others: object) -> Made:
        """A `kind` of these values, each passed through its check, and of `others`; ConfigError for unknown keys."""
        values = {}
        for key in self.values:
            if key in others:
                continue
            if key not in checks:
                raise self.refusal(key, f"unknown; the keys are {', '.join(sorted({*checks, *others}))}")
            values[key] = self.value(key, checks[key])
        return kind(**values, **others)

    def value(self, key: str, check: Check) -> Any:
        """The value of `key`, passed through `check`."""
        try:
            return check(self.values[key])
        except ValueError as error:
            raise self.refusal(key, f"must be {error}") from None

    def table(self, key: str) -> Table:
        """The table of `key`; empty if there is none."""
        values = self.values.get(key, {})
        if not isinstance(values, dict):
            raise self.refusal(key, f"must be a table: [{_dotted((*self.keys, key))}]")
        return Table(self.source, values, (*self.keys, key))

    def tables(self, key: str) -> list[Table]:
        """Those of the array of `key`; none if there is none."""
        array = self.values.get(key, [])
        if not isinstance(array, list) or not all(isinstance(values, dict) for values in array):
            raise self.refusal(key, f"must be tables: [[{_dotted((*self.keys, key))}]]")
        return [Table(self.source, values, (*self.keys, key, index)) for index, values in enumerate(array)]

    def require(self, *names: str) -> None:
        """ConfigError unless there is a value for each of these keys."""
        if missing := [name for name in names if name not in self.values]:
            raise self.source.refusal(self.keys, f"needs {' and '.join(missing)}")

    def refusal(self, key: str, why: str, member: str = "") -> ConfigError:
        return self.source.refusal((*self.keys, key), why, member)
