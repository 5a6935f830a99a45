"""Commands that begin jobs, wait for them, or change what becomes of them."""

from __future__ import annotations

from tui.commands.commands import Command


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


class Detach(Command):
    """Leave this screen; the job continues."""

    label = "Detach"


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


class Resume(Command):
    """Resume paused domains."""

    label = "Resume"
    of_domains = True


class Migration(Command):
    """Change the limits of a migration that does not converge, or start post-copy."""

    label = "Migration"
    of_domains = True
    names_hidden = True
    in_footer = False


class Apply(Command):
    """Change the limits of the migration."""

    label = "Apply"


class StartPostcopy(Command):
    """Run the guest on the other host now, after confirmation."""

    label = "Post-copy"


class Start(Command):
    """Start the dump."""

    label = "Start"


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
