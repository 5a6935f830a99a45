"""What a user can do. One class per command: its id, label and help; tui.config.keys has the keys."""

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


class Dump(Command):
    """Dump memory to a file (marked domains, or the one under the cursor)."""

    label = "Dump"
    of_domains = True
    names_hidden = True


class Wait(Command):
    """Wait for the job to finish."""

    label = "Wait"
    of_jobs = True


class Open(Command):
    """Show the job, or the history of a domain without one."""

    label = "Open"
    in_footer = False


class ShowWaits(Command):
    """Show the last wait screen again, with the jobs that have ended since."""

    label = "Waits"
    in_footer = False


class Abort(Command):
    """Abort jobs, after confirmation, and cancel queued dumps."""

    label = "Abort"
    of_jobs = True
    names_hidden = True


class Pivot(Command):
    """Let disks continue on what their block jobs have mirrored to, after confirmation."""

    label = "Pivot"
    of_jobs = True
    names_hidden = True


class Migration(Command):
    """Change the limits of a migration that does not converge, or start post-copy."""

    label = "Migration"
    of_domains = True
    names_hidden = True
    in_footer = False


class Resume(Command):
    """Resume paused domains."""

    label = "Resume"
    of_domains = True


class Filter(Command):
    """Show only what matches: all words, a|b either, !word not."""

    label = "Filter"
    at_once = True


class ClearFilter(Command):
    """Clear the filter."""

    label = "Show all"


class ClearMarks(Command):
    """Unmark all domains."""

    label = "Unmark"


class Sort(Command):
    """Sort by the next column."""

    label = "Sort"


class ReverseSort(Command):
    """Reverse the sort order."""

    label = "Reverse"
    in_footer = False


class ChooseColumns(Command):
    """Choose the columns and their order."""

    label = "Columns"
    in_footer = False


class KeepColumns(Command):
    """Show these columns."""

    label = "Keep"


class ResetColumns(Command):
    """Choose the usual columns again."""

    label = "Reset"


class ShowJob(Command):
    """Show the job with all its statistics."""

    label = "Job"
    in_footer = False


class ShowHistory(Command):
    """Show the domain's last jobs and their results."""

    label = "Last jobs"
    in_footer = False


class ShowInfo(Command):
    """Show domain details."""

    label = "Info"
    in_footer = False


class CopyName(Command):
    """Copy domain names."""

    label = "Copy name"
    of_domains = True
    in_footer = False


class CopyStats(Command):
    """Copy the job statistics as virsh domjobinfo prints them."""

    label = "Copy stats"
    of_jobs = True
    in_footer = False


class CopyPath(Command):
    """Copy the path of the last dump."""

    label = "Copy path"
    in_footer = False


class ShowHosts(Command):
    """Hosts: status and load; add or remove."""

    label = "Hosts"
    in_footer = False


class ShowPastJobs(Command):
    """The history: past jobs of all domains and hosts, and how they ended."""

    label = "History"
    in_footer = False


class ShowDone(Command):
    """What was done here, as virt-jobs and virsh commands to copy."""

    label = "Done here"
    in_footer = False


class CopyCommand(Command):
    """Copy the virt-jobs command that does the same."""

    label = "Copy"


class CopyVirsh(Command):
    """Copy the virsh command that does the same."""

    label = "Copy virsh"


class FocusActivity(Command):
    """Go to the activity: what happened, and results to acknowledge."""

    label = "Activity"
    in_footer = False


class Enlarge(Command):
    """Enlarge the pane with the focus, or restore it."""

    label = "Enlarge"
    in_footer = False


class NextPane(Command):
    """Go to the next pane."""

    label = "Next pane"
    in_footer = False


class PreviousPane(Command):
    """Go to the previous pane."""

    label = "Previous pane"
    in_footer = False


class LeavePane(Command):
    """Go back to the domains, and restore what is enlarged."""

    label = "Domains"


class ShowLog(Command):
    """Show the log of the domain under the cursor as it grows, and the hypervisor's messages about it."""

    label = "Log"
    in_footer = False


class ShowXml(Command):
    """Show the XML of the domain under the cursor."""

    label = "XML"
    in_footer = False


class ProblemsOnly(Command):
    """Show only domains with a problem, or all again."""

    label = "Problems"
    in_footer = False


class BusyOnly(Command):
    """Show only domains with a job, or all again."""

    label = "Busy"
    in_footer = False


class Export(Command):
    """Write what is shown to a file: as text, CSV or JSON."""

    label = "Export"
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


class Write(Command):
    """Write the file."""

    label = "Write"


class OpenEntry(Command):
    """Show everything that is known of the job."""

    label = "Open"


class CopyEntry(Command):
    """Copy the job's line."""

    label = "Copy"


class CopyFile(Command):
    """Copy the path of the job's file."""

    label = "Copy path"


class AddHost(Command):
    """Connect to a host, or to all hosts of a group."""

    label = "Add"


class DropHost(Command):
    """Disconnect from this host; its jobs continue."""

    label = "Drop"


class SaveHosts(Command):
    """Save the hosts that were added, so that the next start connects to them."""

    label = "Save"


class RetryHost(Command):
    """Try to connect to this host now."""

    label = "Retry"


class RetryHosts(Command):
    """Try to connect now to the hosts that are down."""

    label = "Retry hosts"
    in_footer = False


class CopyUri(Command):
    """Copy the URI of the host."""

    label = "Copy URI"


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
    """Leave this screen; the job continues."""

    label = "Detach"


class DropQueued(Command):
    """Cancel the queued dumps."""

    label = "Cancel queued"


class QueueAgain(Command):
    """Queue the dumps again that an earlier console left."""

    label = "Queue again"


class ForgetQueued(Command):
    """Forget the queued dumps that an earlier console left."""

    label = "Forget"


class Later(Command):
    """Decide later; everything is kept."""

    label = "Later"


class More(Command):
    """Scroll down."""

    label = "More"


class Less(Command):
    """Scroll up."""

    label = "Up"
    in_footer = False


class Start(Command):
    """Start the dump."""

    label = "Start"


class Apply(Command):
    """Change the limits of the migration."""

    label = "Apply"


class StartPostcopy(Command):
    """Run the guest on the other host now, after confirmation."""

    label = "Post-copy"


class Yes(Command):
    """Confirm."""

    label = "Yes"


class No(Command):
    """Cancel."""

    label = "No"
