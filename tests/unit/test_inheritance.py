"""Composition, not a chain of base classes: a class of the console inherits from at most one generation of ours."""

from __future__ import annotations

import ast
from pathlib import Path

import tui


def test_no_class_of_the_console_inherits_through_more_than_one_class_of_ours() -> None:
    bases: dict[str, list[str]] = {}
    for path in Path(tui.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                names = [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]
                bases.setdefault(node.name, []).extend(names)

    def generations(name: str) -> int:
        return 1 + max(map(generations, bases[name]), default=0) if name in bases else 0

    assert len(bases) > 50
    assert [name for name in bases if generations(name) > 2] == []
