"""Names and passwords that a hypervisor requires before it accepts a connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.errors import NotPermitted


@dataclass(frozen=True, slots=True)
class Credential:
    """A single prompt."""

    prompt: str
    """In the hypervisor's words: ``Enter root's password for hv7``."""
    secret: bool
    """Whether the answer must stay invisible while the user types it."""


Ask = Callable[[Sequence[Credential]], Awaitable[Mapping[Credential, str]]]
"""Asks the user, without a time limit. Returns one answer per credential; NotPermitted if nobody can answer."""


class CredentialsNeeded(NotPermitted):
    """The connection requires `credentials` that it did not get."""

    def __init__(self, message: str, credentials: Sequence[Credential], *, code: int | None = None) -> None:
        super().__init__(message, code=code)
        self.credentials = tuple(credentials)
