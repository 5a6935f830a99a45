"""What comes from outside, spoiled in the ways that break parsers."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("VIRT_JOBS_FUZZ") or settings().max_examples * 3 // 5)
"""Cases for each test: 60, and ten times as many in CI. VIRT_JOBS_FUZZ=20000 takes minutes."""

fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

_NUMBERS = [0, 1, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
_PIECES = st.binary(max_size=16) | st.builds(
    lambda number, size, order: (number % (1 << 8 * size)).to_bytes(size, order),
    st.sampled_from(_NUMBERS),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from(["little", "big"]),
)


@st.composite
def spoiled(draw: st.DrawFn, wholes: Sequence[bytes]) -> bytes:
    """One of `wholes` with some pieces overwritten, put in, taken out or doubled; most often near its begin."""
    content = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, min(600, len(content))) | st.integers(0, len(content)))
        match draw(st.sampled_from(["overwrite", "insert", "remove", "double", "cut"])):
            case "overwrite":
                piece = draw(_PIECES)
                content[at : at + len(piece)] = piece
            case "insert":
                content[at:at] = draw(_PIECES)
            case "remove":
                del content[at : at + draw(st.integers(1, 64))]
            case "double":
                content[at:at] = content[at : at + draw(st.integers(1, 64))]
            case _:
                del content[at:]
    return bytes(content)


def spoiled_text(wholes: Sequence[str]) -> st.SearchStrategy[str]:
    """The same for texts; what is no UTF-8 any more stands for itself, as surrogates do in Python."""
    return spoiled([whole.encode() for whole in wholes]).map(lambda content: content.decode("utf-8", "surrogateescape"))
