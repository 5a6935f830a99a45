"""What to wait for, and how to report it."""

from __future__ import annotations

from dataclasses import dataclass

from backend.model import BlockOperation, Operation
from tui.cli.operations import operation_word


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
    """Whether to report the last recorded dump if no job is running."""
    trust_qemu: bool = False
    as_json: bool = False

    @property
    def arguments(self) -> list[str]:
        """The options of a command line that attaches to the same jobs."""
        operation = operation_word(self.operation) if isinstance(self.operation, BlockOperation) else "any"
        disk = ["--disk", self.disk] if self.disk is not None else []
        return ["--operation", operation, *disk, *(["--ready"] if self.ready else [])]
