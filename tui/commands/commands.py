"""What a user can do. One class a command: its id, its place in the footer, palette and help. Keys: tui.config.keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from tui.config.keys import DEFAULT_KEYS

if TYPE_CHECKING:
    from tui.session.rows import Row


class Command(Message):
    """Posted to the screen that offers it when its key is pressed or it is picked; the docstring is its help."""

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
            DEFAULT_KEYS[cls.id()],
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

    label = "Dump"


class Wait(DomainCommand):
    """Follow the domain's job to its end; those of all marked ones."""

    label = "Wait"


class Open(Command):
    """Open the domain: its job, or else its history."""

    label = "Open"
    in_footer = False


class Abort(DomainCommand):
    """Abort the job, or those of the marked ones, after a question."""

    label = "Abort"


class Resume(DomainCommand):
    """Let a paused domain, or the marked ones, run again."""

    label = "Resume"


class Filter(Command):
    """Show only domains with these words; a leading ! inverts."""

    label = "Filter"
    at_once = True


class ClearFilter(Command):
    """Show all domains again."""

    label = "Show all"


class ClearMarks(Command):
    """Take all marks off."""

    label = "Unmark"


class Sort(Command):
    """Sort by the next column."""

    label = "Sort"


class ReverseSort(Command):
    """Sort the other way round."""

    label = "Reverse"
    in_footer = False


class ShowJob(Command):
    """Show the domain's job with all its stats."""

    label = "Job"
    in_footer = False


class ShowHistory(Command):
    """Show the domain's dumps and their results."""

    label = "History"
    in_footer = False


class ShowInfo(Command):
    """Show what the domain is."""

    label = "Info"
    in_footer = False


class CopyName(DomainCommand):
    """Copy the domain's name, or those of the marked ones."""

    label = "Copy name"
    in_footer = False


class CopyStats(DomainCommand):
    """Copy the job's stats, as domjobinfo prints them."""

    label = "Copy stats"
    in_footer = False


class CopyPath(Command):
    """Copy the path of the domain's last dump."""

    label = "Copy path"
    in_footer = False


class ShowHosts(Command):
    """Show the hosts, how each is doing and what it costs; add one, or drop one."""

    label = "Hosts"
    in_footer = False


class AddHost(Command):
    """Connect to another host, or to all of a group."""

    label = "Add"


class DropHost(Command):
    """Let go of the host under the cursor; its jobs go on."""

    label = "Drop"


class Help(Command):
    """Show all keys."""

    label = "Help"


class Back(Command):
    """Go back."""

    label = "Back"


class Close(Command):
    """Close this."""

    label = "Close"


class Detach(Command):
    """Leave this screen; the job goes on."""

    label = "Detach"


class DropQueued(Command):
    """Start none of the dumps that are still queued."""

    label = "Drop queued"


class Start(Command):
    """Start the dump."""

    label = "Start"


class Yes(Command):
    """Do it."""

    label = "Yes"


class No(Command):
    """Leave it."""

    label = "No"


@dataclass
class Acted(Message):
    """Something that the user asked for was done (`error` empty), or could not be."""

    domain: str
    what: str
    error: str = ""
