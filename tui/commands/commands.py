"""What a user can do. One class a command: its key, its place in the footer, palette and help, its id in a keymap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

if TYPE_CHECKING:
    from tui.session.rows import Row


class Command(Message):
    """Posted to the screen that offers it when its key is pressed or it is picked; the docstring is its help."""

    key: ClassVar[str]
    """Textual's names of keys, with commas between several."""
    label: ClassVar[str]
    """One or two words, for the footer."""
    in_footer: ClassVar[bool] = True
    at_once: ClassVar[bool] = False
    """Whether it is done before any key that follows is looked at: those are meant for what it opens."""

    @classmethod
    def id(cls) -> str:
        """Its name in keymaps and actions: ``clear-filter``."""
        words = [letter if letter.islower() else f"-{letter.lower()}" for letter in cls.__name__]
        return "".join(words).removeprefix("-")

    @classmethod
    def help(cls) -> str:
        return (cls.__doc__ or "").strip().rstrip(".")

    @classmethod
    def binding(cls) -> Binding:
        return Binding(
            cls.key,
            f"command({cls.id()!r})",
            cls.label,
            show=cls.in_footer,
            priority=cls.at_once,
            id=cls.id(),
            tooltip=cls.help(),
        )


class DomainCommand(Command):
    """A command about the domains that were marked, or else the one under the cursor, when it was given."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()
        self.rows = rows


class Dump(DomainCommand):
    """Dump the domain's memory to a file; of each marked one."""

    key = "d"
    label = "Dump"


class Wait(DomainCommand):
    """Follow the domain's job to its end; those of all marked ones."""

    key = "w"
    label = "Wait"


class Open(Command):
    """Open the domain: its job, or else its history."""

    key = "enter"
    label = "Open"
    in_footer = False


class Abort(DomainCommand):
    """Abort the job, or those of the marked ones, after a question."""

    key = "a"
    label = "Abort"


class Resume(DomainCommand):
    """Let a paused domain, or the marked ones, run again."""

    key = "r"
    label = "Resume"


class Filter(Command):
    """Show only domains with these words; a leading ! inverts."""

    key = "slash"
    label = "Filter"
    at_once = True


class ClearFilter(Command):
    """Show all domains again."""

    key = "escape"
    label = "Show all"


class ClearMarks(Command):
    """Take all marks off."""

    key = "escape"
    label = "Unmark"


class Sort(Command):
    """Sort by the next column."""

    key = "s"
    label = "Sort"


class ReverseSort(Command):
    """Sort the other way round."""

    key = "S"
    label = "Reverse"
    in_footer = False


class ShowJob(Command):
    """Show the domain's job with all its stats."""

    key = "1"
    label = "Job"
    in_footer = False


class ShowHistory(Command):
    """Show the domain's dumps and their results."""

    key = "2"
    label = "History"
    in_footer = False


class ShowInfo(Command):
    """Show what the domain is."""

    key = "3"
    label = "Info"
    in_footer = False


class CopyName(DomainCommand):
    """Copy the domain's name, or those of the marked ones."""

    key = "y"
    label = "Copy name"
    in_footer = False


class CopyStats(DomainCommand):
    """Copy the job's stats, as domjobinfo prints them."""

    key = "Y"
    label = "Copy stats"
    in_footer = False


class CopyPath(Command):
    """Copy the path of the domain's last dump."""

    key = "c"
    label = "Copy path"
    in_footer = False


class ShowHosts(Command):
    """Show the hosts, how each is doing and what it costs; add one, or drop one."""

    key = "H"
    label = "Hosts"
    in_footer = False


class AddHost(Command):
    """Connect to another host, or to all of a group."""

    key = "plus"
    label = "Add"


class DropHost(Command):
    """Let go of the host under the cursor; its jobs go on."""

    key = "x,delete"
    label = "Drop"


class Help(Command):
    """Show all keys."""

    key = "question_mark"
    label = "Help"


class Back(Command):
    """Go back."""

    key = "escape"
    label = "Back"


class Close(Command):
    """Close this."""

    key = "escape,q"
    label = "Close"


class Detach(Command):
    """Leave this screen; the job goes on."""

    key = "escape,q"
    label = "Detach"


class DropQueued(Command):
    """Start none of the dumps that are still queued."""

    key = "x"
    label = "Drop queued"


class Start(Command):
    """Start the dump."""

    key = "ctrl+s"
    label = "Start"


class Yes(Command):
    """Do it."""

    key = "y"
    label = "Yes"


class No(Command):
    """Leave it."""

    key = "n,escape"
    label = "No"


@dataclass
class Acted(Message):
    """Something that the user asked for was done (`error` empty), or could not be."""

    domain: str
    what: str
    error: str = ""
