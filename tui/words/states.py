"""What state a domain is in, and why, in words."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from backend.dump_request import AutomaticDump
from backend.model import Domain, DomainState
from tui.words import units


def label(domain: Domain) -> str:
    """The state and its reason, as virsh says them: ``paused (I/O error)``, ``running``."""
    return f"{domain.state.label} ({domain.reason})" if domain.reason else domain.state.label


def brief(domain: Domain, cells: int = 99) -> str:
    """The state and why it is in it, where that matters, in so many cells: ``paused: I/O error``, ``running``."""
    forms = [*_forms(domain), domain.state.label]
    return next((words for words in forms if len(words) <= cells), forms[-1])


def _forms(domain: Domain) -> Iterator[str]:
    """The state with its reason, in ever fewer words."""
    reason, state = domain.reason, domain.state.label
    if not reason or reason == state:
        return
    if domain.state is DomainState.PAUSED and reason == "user":
        yield from (f"{state} by user", f"{state}: user")
    elif domain.paused_by and not domain.faulty:
        yield f"{state}: {domain.paused_by}"
    elif domain.faulty:
        yield from (f"{state}: {reason}", reason, reason.removesuffix(" failed"))
    elif domain.state is DomainState.PAUSED:
        yield f"{state}: {reason}"


def left_paused(domain: Domain) -> str:
    return f"left paused by a {domain.paused_by} that is no longer running"


def silent(since_when: float | None) -> str:
    """Of a domain that does not answer: ``not answering since 10:31:02``."""
    return f"not answering{since(since_when)}"


def cause(domain: Domain, io_errors: Sequence[str], said: str) -> str:
    """Why a domain has a fault: ``I/O error (vda: no space left)``, ``panicked``.

    Only what `said`, which stands beside it, leaves open: ``vda: no space left`` beside ``paused: I/O error``.
    """
    reason, disks = domain.reason or domain.state.label, "; ".join(io_errors)
    if reason in said:
        return disks
    return f"{reason} ({disks})" if disks else reason


def requester(dump: AutomaticDump) -> str:
    """Who began the dump, and why: ``by libvirt (guest panicked)``."""
    return f"by {dump.requester}"


def since(began: float | None) -> str:
    """`` since 10:31:02``; empty where nobody knows."""
    return f" since {units.recent(began, time.time())}" if began is not None else ""
