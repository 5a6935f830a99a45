"""When the next frame may be sent, and how large: a terminal that is behind gets no more than it takes.

Every frame ends with a question that each terminal answers once it has drawn everything before it (where its cursor
is). So it is known how many bytes are on their way, whatever keeps them: the kernel's buffers, ssh, a slow line. A
terminal that never answers is only known to take what the kernel takes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

QUESTION = "\x1b[6n"
"""Device status report, answered with the position of the cursor (ECMA-48: DSR, CPR)."""
FRAME_TIME = 0.1
"""Seconds that it may take to transfer one frame, but for what has to be shown as a whole."""
WINDOW_TIME = 0.05
"""Seconds that it may take to transfer what is still on its way when a frame is begun."""
SMALLEST_FRAME, SMALLEST_WINDOW = 256, 128
"""Bytes, whatever the line takes."""
SLOW, QUICK = 20_000.0, 30_000.0
"""Bytes a second below which a terminal counts as slow, and above which it does not any more: with many jobs, the
console has about as many to send."""
PATIENCE, LAGS, SLOWEST = 1.0, 4.0, 2000.0
"""An answer was lost, and is not waited for any more, after so many seconds, so many times the usual delay, and the
time that a line takes that transfers so many bytes a second."""
_TELLING = 500
"""Bytes of a transfer from which on its time says something about the line."""
_WEIGHT = 0.3
"""Of the latest frame in the averages."""


@dataclass(frozen=True, slots=True)
class _Sent:
    at: float
    size: int
    before: int
    """Bytes that were on their way then."""


class Pacing:
    """Times are the caller's monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._sent: deque[_Sent] = deque()
        """The frames that are not answered for."""
        self._answers = False
        """Whether the terminal has ever answered."""
        self._lag = 0.0
        """From sending a frame to its answer, on average."""
        self._shortest_lag = inf
        """What an answer takes where there is nothing to transfer."""
        self._byte_time = 0.0
        """Seconds that the line takes for a byte."""
        self.slow = False
        """Whether the terminal takes less than there may be to show."""

    @property
    def limit(self) -> float:
        """Bytes that the next frame may have."""
        return max(SMALLEST_FRAME, self._bytes_in(FRAME_TIME))

    def send(self, size: int, now: float) -> None:
        """A frame of so many bytes was sent, or a question alone."""
        self._sent.append(_Sent(now, size, self._on_their_way))

    def answer(self, now: float) -> None:
        """The terminal has drawn the oldest of the frames."""
        self._answers = True
        if not self._sent:
            return
        frame = self._sent.popleft()
        lag = now - frame.at
        self._lag += (lag - self._lag) * _WEIGHT
        self._shortest_lag = min(self._shortest_lag, lag)
        size = frame.before + frame.size
        if size >= _TELLING:
            self._byte_time += (max(0.0, lag - self._shortest_lag) / size - self._byte_time) * _WEIGHT
            self.slow = self._byte_time > 1 / (QUICK if self.slow else SLOW)

    def wait(self, now: float) -> float:
        """Seconds until another frame may be sent without an answer; 0: at once."""
        if not self._answers:
            self._sent.clear()
            return 0.0
        patience = max(PATIENCE, LAGS * self._lag, self._on_their_way / SLOWEST)
        while self._sent and now - self._sent[0].at >= patience:
            self._sent.popleft()
        if self._on_their_way <= max(SMALLEST_WINDOW, self._bytes_in(WINDOW_TIME)):
            return 0.0
        return self._sent[0].at + patience - now

    def _bytes_in(self, seconds: float) -> float:
        return seconds / self._byte_time if self._byte_time else inf

    @property
    def _on_their_way(self) -> int:
        return sum(frame.size for frame in self._sent)
