"""What to wait for, and how to report it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.model import BlockOperation, Operation
from tui.cli.operations import operation_word


class Until(StrEnum):
    """Which of several jobs a wait is for."""

    ALL = "all"
    """Every one."""
    ANY = "any"
    """The first that ends."""


@dataclass(frozen=True, slots=True)
class WaitOptions:
    """What to wait for on each domain, and how to report it."""

    operation: Operation | None
    """None: any."""
    disk: str | None = None
    """Whose job it is; None: the domain's own, or its only block job."""
    ready: bool = False
    """Whether to wait until that job is ready, instead of until it ends."""
    timeout: float | None = None
    """Seconds."""
    last: bool = False
    """Whether to report the last job that is remembered if none is running."""
    trust_qemu: bool = False
    as_json: bool = False
    until: Until = Until.ALL
    next: bool = False
    """Whether the job has yet to begin."""

    def means(self, operation: Operation, disk: str | None) -> bool:
        """Whether such a job is one to wait for, on whatever domain."""
        mirrors = isinstance(operation, BlockOperation) and operation.becomes_ready
        return self.operation in (None, operation) and self.disk in (None, disk) and (mirrors or not self.ready)

    def arguments(self, named: bool) -> list[str]:
        """The options of a command line that attaches to the same jobs; `named`: it names their domains."""
        exact = self.next or not named or isinstance(self.operation, BlockOperation)
        operation = operation_word(self.operation) if exact and self.operation is not None else "any"
        disk = ["--disk", self.disk] if self.disk is not None else []
        flags = {"--ready": self.ready, "--next": self.next, f"--{self.until}": self.until is not self._usual}
        return ["--operation", operation, *disk, *(flag for flag, given in flags.items() if given)]

    @property
    def _usual(self) -> Until:
        return Until.ANY if self.next else Until.ALL
