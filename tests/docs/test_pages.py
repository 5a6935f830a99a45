"""The README is short, every page is linked from it, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.test_commands import DOCUMENTS, ROOT
from tui.cli.exits import WORST_FIRST, Exit
from tui.cli.root import cli

README = ROOT / "README.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
PAGES = [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]


def links(page: Path) -> list[str]:
    return [link for link in LINK.findall(page.read_text()) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """The names of its headings, as they are made of their texts."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in links(README)}
    assert {*(ROOT / "docs").iterdir()} - linked == set()


def test_every_exit_code_is_on_the_page_and_in_the_order_of_severity() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text()
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == sorted(Exit)
    for words in (text, cli.commands["wait"].help or ""):
        [order] = re.findall(r"in this\s+order:(.*?)\.", words, re.DOTALL)
        assert [int(code) for code in re.findall(r"\d+", order)] == [*WORST_FIRST][1:]
