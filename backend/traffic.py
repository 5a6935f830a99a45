"""What a connection asks of its hypervisor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """Counted by the backend as it goes; for whoever wants to know what watching costs."""

    calls: int = 0
    """Calls that were answered so far."""
    latency: float | None = None
    """Seconds that the last call took of those that were made alone, with all that it waited for."""

    def answered(self, calls: int, seconds: float) -> None:
        """So many calls were made together, and answered within `seconds`."""
        self.calls += calls
        if calls == 1:
            self.latency = seconds
