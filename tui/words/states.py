"""What state a domain is in, and why, in words."""

from __future__ import annotations

import time
from collections.abc import Sequence

from backend.dump_request import AutomaticDump
from backend.model import Domain
from tui.words import units


def label(domain: Domain) -> str:
    """The state and its reason, as virsh says them: ``paused (I/O error)``, ``running``."""
    return f"{domain.state.label} ({domain.reason})" if domain.reason else domain.state.label


def left_paused(domain: Domain) -> str:
    return f"left paused by a {domain.paused_by} that is no longer running"


def silent(since_when: float | None) -> str:
    """Of a domain that does not answer: ``not answering since 10:31:02``."""
    return f"not answering{since(since_when)}"


def trouble(domain: Domain, io_errors: Sequence[str] = ()) -> str:
    """The state of a domain with a fault: ``paused: I/O error (vda: no space left)``, ``crashed: panicked``."""
    reason = f": {domain.reason}" if domain.reason not in ("", domain.state.label) else ""
    return f"{domain.state.label}{reason}" + (f" ({'; '.join(io_errors)})" if io_errors else "")


def requester(dump: AutomaticDump) -> str:
    """Who began the dump, and why: ``by libvirt (guest panicked)``."""
    return f"by {dump.requester}"


def since(began: float | None) -> str:
    """`` since 10:31:02``; empty where nobody knows."""
    return f" since {units.recent(began, time.time())}" if began is not None else ""
