"""Where a running job comes from and what it writes, as far as the processes of the hypervisor's host tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """A program whose command line asks for such a job of that domain.

    The kernel vouches for its program, its pid and its user. Its arguments can be anything: whether it requested the
    job that runs is likely, not certain.
    """

    command: str
    """``virsh dump``."""
    pid: int
    user: str
    peer: str = ""
    """The host that a migration goes to, as the command line names it."""

    @property
    def label(self) -> str:
        """``virsh dump (pid 812, root)``."""
        return f"{self.command} (pid {self.pid}, {self.user})"


@dataclass(frozen=True, slots=True)
class JobOrigin:
    """What is known of one running job."""

    path: str = ""
    """The file that a dump or save is written to, on the hypervisor's host; empty: that cannot be seen."""
    client: Client | None = None
    """Who seems to have requested it; None: nobody that can be seen, or several."""
