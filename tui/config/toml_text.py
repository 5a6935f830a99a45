"""Plain values written as TOML, in ASCII, which any locale can show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping


def written(values: Mapping[str, object]) -> str:
    """A document with `values`: strings, numbers, booleans, lists, and tables of these."""
    return "\n".join(_lines(values, ())) + "\n"


def _lines(values: Mapping[str, object], keys: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    for key, value in values.items():
        if key not in tables:
            yield f"{_key(key)} = {literal(value)}"
    for key, table in tables.items():
        path = (*keys, key)
        if not table or any(not isinstance(value, Mapping) for value in table.values()):
            yield ""
            yield f"[{'.'.join(map(_key, path))}]"
        yield from _lines(table, path)


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _text(key)


def literal(value: object) -> str:
    """One value, as it stands after ``=``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return _text(str(value))


def _text(text: str) -> str:
    return '"' + re.sub(r"[^ !#-\[\]-~]", lambda match: _escaped(match[0]), text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
