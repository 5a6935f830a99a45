"""Commands about hosts."""

from __future__ import annotations

from tui.commands.commands import Command


class ShowHosts(Command):
    """Hosts: status and load; add or remove."""

    label = "Hosts"
    in_footer = False


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
