"""Private names of ours that a base class of Textual has too would take its place."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import textual
from textual.message_pump import MessagePump

import tui

MADE_BY_TEXTUAL = (
    "_css_",
    "_default_",
    "_inherit_",
    "_reactives",
    "_computes",
    "_merged_bindings",
    "_decorated_handlers",
)
MEANT = {
    "OpenApp._check_bindings",
    "OpenApp._display",
    "OpenApp._dispatch_message",
    "OpenApp._handle_exception",
    "OpenApp._register_child",
}
"""Those that take the place of Textual's on purpose, for want of a public one."""
PRIVATE_MODULE = Path("terminal", "private_textual.py")


def test_no_method_hides_one_of_textual() -> None:
    hidden = []
    for module in pkgutil.walk_packages(tui.__path__, "tui."):
        if module.name == "tui.__main__":
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if not kind.__module__.startswith("tui.") or not issubclass(kind, MessagePump):
                continue
            theirs = {name for base in kind.__mro__ if base.__module__.startswith("textual") for name in vars(base)}
            ours = {name for name in vars(kind) if name.startswith("_") and not name.startswith("__")}
            hidden += [f"{kind.__name__}.{name}" for name in ours & theirs if not name.startswith(MADE_BY_TEXTUAL)]
    assert set(hidden) == MEANT


def test_one_module_uses_private_parts_of_textual() -> None:
    theirs = set()
    for path in Path(textual.__path__[0]).rglob("*.py"):
        theirs |= set(re.findall(r"(?:self\.|def )(_[a-z]\w*)", path.read_text()))
    root = Path(tui.__path__[0])
    uses = []
    for path in root.rglob("*.py"):
        text = path.read_text()
        if "textual" not in text or path == root / PRIVATE_MODULE:
            continue
        ours = set(re.findall(r"(?:self\.|def |^    )(_[a-z]\w*)(?:\(|:| =|, )", text, re.MULTILINE))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual._"):
                uses.append(f"{path}: {node.module}")
            elif isinstance(node, ast.Attribute) and node.attr in theirs - ours:
                uses.append(f"{path}:{node.lineno}: {node.attr}")
    assert uses == []
