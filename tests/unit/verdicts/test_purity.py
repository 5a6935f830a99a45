"""The rules of verdicts have no way to the outside: no I/O and no clock, not even through what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import backend

IMPURE = {
    "asyncio",
    "datetime",
    "getpass",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
}
ROOT = Path(backend.__file__).parent.parent
BUILTINS = {"open", "input", "print", "exec", "eval", "__import__"}


def imports(source: Path) -> Iterator[str]:
    """The names that a file imports, wherever in it: modules, and what it takes from them."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def reached() -> dict[str, Path]:
    """Every module of the backend that the rules import, directly or not, with its source."""
    waiting = [f"backend.verdicts.{path.stem}" for path in (ROOT / "backend/verdicts").glob("*.py")]
    sources: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        source = ROOT / f"{module.replace('.', '/')}.py"
        if module not in sources and source.is_file():
            sources[module] = source
            waiting += imports(source)
    return sources


def test_nothing_that_the_rules_import_can_do_io() -> None:
    modules = reached()
    assert {"backend.verdicts.attachment", "backend.records.record", "backend.events"} <= modules.keys()
    impure = {
        module: sorted(names)
        for module, source in modules.items()
        if (names := IMPURE & {name.partition(".")[0] for name in imports(source)})
    }
    assert not impure


def test_the_rules_call_nothing_that_does_io() -> None:
    for source in reached().values():
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in BUILTINS, (source, node.lineno)
