"""Kinds of domains that can be shown alone, and what the table says of that."""

from __future__ import annotations

from dataclasses import dataclass

from tui.session.rows import Row


@dataclass(frozen=True, slots=True)
class Kinds:
    """Which kinds of domains are shown, whatever their names."""

    problems: bool = False
    """Only those that somebody should see to."""
    busy: bool = False
    """Only those with a job, of their own or of a disk."""

    def __bool__(self) -> bool:
        return self.problems or self.busy

    def match(self, row: Row) -> bool:
        """Whether that domain is of all kinds that are asked for."""
        return (not self.problems or row.troubled) and (not self.busy or row.busy)


def only(kinds: Kinds, text: str) -> str:
    """Which domains are shown: ``problems only  /db``; empty if that is all. `text`: what they are filtered by."""
    names = [name for name, alone in (("problems", kinds.problems), ("busy", kinds.busy)) if alone]
    words = f"{' and '.join(names)} only" if names else ""
    return "  ".join(filter(None, [words, f"/{text}" if text else ""]))


def nothing(kinds: Kinds, text: str, clear_key: str) -> str:
    """Why no domain is shown, although there are some. `clear_key` shows all."""
    if not kinds:
        return f"no match for /{text}"
    has = " and ".join(what for what, alone in (("a problem", kinds.problems), ("a job", kinds.busy)) if alone)
    return f"no domain{f' that matches /{text}' if text else ''} has {has}: {clear_key} shows all"
