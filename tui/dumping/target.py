"""A domain that is to be dumped, on its host."""

from __future__ import annotations

from dataclasses import dataclass

from backend.capabilities import Capabilities
from backend.job_stats import JobStats
from backend.model import Domain
from tui.session.host import Host


@dataclass(frozen=True)
class Target:
    """The domain, and what its host can do."""

    host: Host
    domain: Domain
    capabilities: Capabilities
    folder: str
    """Where dumps usually go on that host."""
    disk_jobs: tuple[JobStats, ...] = ()
    """Those of the domain's disks."""
