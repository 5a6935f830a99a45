"""Commands of the list of domains, and of the panes and lists around it."""

from __future__ import annotations

from tui.commands.commands import Command


class ClearMarks(Command):
    """Unmark all domains."""

    label = "Unmark"


class ProblemsOnly(Command):
    """Show only domains with a problem, or all again."""

    label = "Problems"
    in_footer = False


class BusyOnly(Command):
    """Show only domains with a job, or all again."""

    label = "Busy"
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
