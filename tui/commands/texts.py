"""Commands that show a domain's log or XML, and of the screen that does."""

from __future__ import annotations

from tui.commands.commands import Command


class ShowLog(Command):
    """Show the log of the domain under the cursor as it grows, and the hypervisor's messages about it."""

    label = "Log"
    in_footer = False


class ShowXml(Command):
    """Show the XML of the domain under the cursor."""

    label = "XML"
    in_footer = False


class Search(Command):
    """Search for text."""

    label = "Search"
    at_once = True


class EndSearch(Command):
    """End the search."""

    label = "End search"


class NextMatch(Command):
    """Go to the next match."""

    label = "Next"


class PreviousMatch(Command):
    """Go to the previous match."""

    label = "Previous"


class CopyText(Command):
    """Copy the whole text."""

    label = "Copy all"


class ReadAgain(Command):
    """Read it again."""

    label = "Read again"
