"""What a user can do: the base of all commands, and those that most screens have.

One class per command: its id, label and help; tui.config.keys has the keys.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from tui.config.keys import DEFAULT_KEYS

if TYPE_CHECKING:
    from tui.session.rows import Row


@functools.cache
def _hyphenated(name: str) -> str:
    """The name of a class, in lower case: each key press asks for hundreds of them."""
    words = [letter if letter.islower() else f"-{letter.lower()}" for letter in name]
    return "".join(words).removeprefix("-")


class Command(Message):
    """Posted when its key is pressed or it is picked in the palette; the docstring is its help."""

    label: ClassVar[str]
    """One or two words, for the footer."""
    in_footer: ClassVar[bool] = True
    at_once: ClassVar[bool] = False
    """Whether it is done before the next key is handled: that key is meant for what the command opens."""
    of_domains: ClassVar[bool] = False
    """Whether it is for the marked domains, or the one under the cursor, at the time it was given.

    Where that is the job of a disk, it is for its domain.
    """
    of_jobs: ClassVar[bool] = False
    """The same for jobs: those of domains, and those of disks."""

    names_hidden: ClassVar[bool] = False
    """Whether it names marked ones that the filter hides before it does anything to them; else they are left out."""

    def __init__(self, rows: Sequence[Row] = (), hidden: Sequence[Row] = ()) -> None:
        super().__init__()
        self.rows = rows
        """Those of the domains or jobs."""
        self.hidden = hidden
        """The marked ones that the filter hides, which are named or left out."""

    @property
    def hidden_names(self) -> list[str]:
        """What the hidden ones are called."""
        return [row.name for row in self.hidden]

    @classmethod
    def id(cls) -> str:
        """Its name in keymaps and actions: ``clear-filter``."""
        return _hyphenated(cls.__name__)

    @classmethod
    def help(cls) -> str:
        return (cls.__doc__ or "").strip().rstrip(".")

    @classmethod
    def binding(cls) -> Binding:
        return Binding(
            DEFAULT_KEYS[cls.id()],
            f"command({cls.id()!r})",
            cls.label,
            show=cls.in_footer,
            priority=cls.at_once,
            id=cls.id(),
            tooltip=cls.help(),
        )


class Filter(Command):
    """Show only what matches: all words, a|b either, !word not."""

    label = "Filter"
    at_once = True


class ClearFilter(Command):
    """Clear the filter."""

    label = "Show all"


class Sort(Command):
    """Sort by the next column."""

    label = "Sort"


class ReverseSort(Command):
    """Reverse the sort order."""

    label = "Reverse"
    in_footer = False


class OpenEntry(Command):
    """Show everything that is known of the job."""

    label = "Open"


class CopyEntry(Command):
    """Copy the job's line."""

    label = "Copy"


class CopyFile(Command):
    """Copy the path of the job's file."""

    label = "Copy path"


class Export(Command):
    """Write what is shown to a file: as text, CSV or JSON."""

    label = "Export"
    in_footer = False


class Write(Command):
    """Write the file."""

    label = "Write"


class Help(Command):
    """Show all keys."""

    label = "Help"


class Back(Command):
    """Go back."""

    label = "Back"


class Close(Command):
    """Close this."""

    label = "Close"


class More(Command):
    """Scroll down."""

    label = "More"


class Less(Command):
    """Scroll up."""

    label = "Up"
    in_footer = False


class Yes(Command):
    """Confirm."""

    label = "Yes"


class No(Command):
    """Cancel."""

    label = "No"
