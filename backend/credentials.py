"""What a hypervisor wants to know from a person before it lets a connection in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.errors import NotPermitted


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing that is asked for."""

    prompt: str
    """In the hypervisor's words: ``Enter root's password for hv7``."""
    secret: bool
    """Whether the answer must not be seen while it is typed."""


Ask = Callable[[Sequence[Credential]], Awaitable[Mapping[Credential, str]]]
"""Puts the questions to a person, who may take their time; gives an answer to each, or raises NotPermitted."""


class CredentialsNeeded(NotPermitted):
    """The connection asks for what it was not told."""

    def __init__(self, message: str, wanted: Sequence[Credential], *, code: int | None = None) -> None:
        super().__init__(message, code=code)
        self.wanted = tuple(wanted)
