"""A domain's state and its own job, read at the same moment."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import BackendError
from backend.job_stats import JobStats
from backend.model import Domain

LOOKS = 3
"""How often a domain is looked at that changes meanwhile, at the most."""


@dataclass(frozen=True, slots=True)
class Status:
    """The two belong together: the domain was in that state while it had that job, or none."""

    domain: Domain
    """In its present run, which may be another one than the one that was asked about."""
    job: JobStats | BackendError | None
    """None: the hypervisor has answered that there is no job. An error: it has answered, but not whether there is."""


StatusAnswer = Status | BackendError
"""What a look at a domain gives, or why there is no answer."""
