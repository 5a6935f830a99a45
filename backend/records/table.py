"""What the tables of records have in common: how a row is kept, which rows a query means, and which are damaged."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from backend.errors import JournalWarning
from backend.records.codec import InvalidRecord
from backend.text import clean

logger = logging.getLogger(__name__)

Parsed = TypeVar("Parsed")


def names(columns: Sequence[str]) -> str:
    """The columns as a list in SQL."""
    return ", ".join(f'"{name}"' for name in columns)


def upsert(table: str, columns: Sequence[str], computed: Mapping[str, str] | None = None) -> str:
    """What keeps a row under its id, in place of an earlier one of that id. Its parameters are the columns' values.

    A row keeps its place, so that rows are in the order in which they were begun even if the clock was set.
    `computed`: further columns, each with its SQL.
    """
    computed = computed or {}
    every = [*columns, *computed]
    values = ", ".join([*("?" for _ in columns), *computed.values()])
    replaced = ", ".join(f'"{name}" = excluded."{name}"' for name in every)
    return f"INSERT INTO {table} ({names(every)}) VALUES ({values}) ON CONFLICT (id) DO UPDATE SET {replaced}"


def conditions(
    table: str, *, uuid: str | None = None, name: str | None = None, uris: Sequence[str] = ()
) -> tuple[list[str], list[object]]:
    """Which rows are about the domain with that uuid; about all that were ever recorded under that name, or uuid, with
    what is recorded under their other names; about those connections: SQL, to be joined by AND, and its parameters."""
    found, values = ["TRUE"], list[object]()
    if uuid is not None:
        found.append("uuid = ?")
        values.append(uuid)
    if name is not None:
        found.append(f"uuid IN (SELECT uuid FROM {table} WHERE domain IN (?, ?) OR uuid = ?)")
        values += [name, clean(name), name.lower()]
    if uris:
        found.append(f"uri IN ({', '.join('?' * len(uris))})")
        values += uris
    return found, values


def intact(
    rows: Iterable[tuple[Any, ...]], parse: Callable[[tuple[Any, ...]], Parsed], what: str, place: str
) -> list[Parsed]:
    """What `parse` makes of the rows; a JournalWarning says how many are damaged. `what` they are: ``records``."""
    parsed, damaged = [], 0
    for row in rows:
        try:
            parsed.append(parse(row))
        except InvalidRecord as error:
            logger.warning("one of the %s in %s is damaged: %s", what, place, error)
            damaged += 1
    if damaged:
        warnings.warn(JournalWarning(f"left out what is damaged in {place}: {damaged} {what}"), stacklevel=3)
    return parsed
