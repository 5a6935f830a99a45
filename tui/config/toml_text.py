"""Plain values written as TOML, in ASCII, which any locale can show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeGuard


def written(values: Mapping[str, object]) -> str:
    """A document with `values`: strings, numbers, booleans, lists, and tables of these, alone and in arrays."""
    return "\n".join(_lines(values, ())) + "\n"


def _lines(values: Mapping[str, object], keys: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    arrays = {key: value for key, value in values.items() if _is_array(value)}
    for key, value in values.items():
        if key not in tables and key not in arrays:
            yield f"{_key(key)} = {literal(value)}"
    for key, table in tables.items():
        path = (*keys, key)
        if not table or any(not isinstance(value, Mapping) for value in table.values()):
            yield ""
            yield f"[{'.'.join(map(_key, path))}]"
        yield from _lines(table, path)
    for key, array in arrays.items():
        path = (*keys, key)
        for table in array:
            yield ""
            yield f"[[{'.'.join(map(_key, path))}]]"
            yield from _lines(table, path)


def _is_array(value: object) -> TypeGuard[list[Mapping[str, object]]]:
    """Whether it is a list of tables."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


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
