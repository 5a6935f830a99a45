"""What is said of something that is remembered, whatever it is: each kind says it in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from backend.observing.remembered import Remembered
from backend.text import clean, hide_passwords


@dataclass(frozen=True, slots=True)
class Account:
    """How it ended, or where it stands, in sentences; empty where there is nothing to say."""

    detail: str
    error: str = ""
    """The message of the hypervisor."""
    source: str = ""
    """What that is known from."""


class Description(ABC):
    """Texts that are fit to be shown, each on one line; empty where there is nothing to say."""

    @property
    @abstractmethod
    def name(self) -> str:
        """``dump``, ``block copy of vda``, ``run virsh``."""

    @property
    @abstractmethod
    def reason(self) -> str:
        """Why it did not complete, or who claims that it did; empty if it is known to have, and while it may."""

    @property
    @abstractmethod
    def evidence(self) -> str:
        """What its verdict rests on, in a word or two; empty while it has none."""

    @property
    def command(self) -> str:
        """The command line of what was run."""
        return ""

    @property
    def path(self) -> str:
        """The file that it writes."""
        return ""

    @property
    def format(self) -> str:
        """Of that file."""
        return ""

    @property
    def remark(self) -> str:
        """What there is to say besides its file."""
        return ": ".join(filter(None, (self.reason, self.command)))

    @property
    def details(self) -> str:
        """What there is to say in one column of a table."""
        return self.remark or self.path

    @property
    def file(self) -> str:
        """The path of what it leaves behind, to be copied."""
        return self.path

    @abstractmethod
    def account(self) -> Account:
        """How it ended, and how that is known."""

    @abstractmethod
    def facts(self, host: str) -> Iterator[tuple[str, str]]:
        """Everything else that is known of it, with labels. `host`: what its host is called."""


def subject(item: Remembered, host: str) -> Iterator[tuple[str, str]]:
    """The facts about what it was requested for."""
    run = f", id {item.key.id}" if item.key.id is not None else ""
    yield "domain", f"{clean(item.domain)} ({clean(item.key.uuid)}{run})"
    name, uri = clean(host), clean(hide_passwords(item.uri))
    yield "host", name if name == uri else f"{name} ({uri})"
