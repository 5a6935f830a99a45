"""What comes from outside, spoiled in the ways that break parsers."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import Literal

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
_SIZES = [1, 2, 4, 8]
_NEAR = 600
_CHANGE = struct.Struct("<BBBB16sL")
"""A change: what is done, to how much, which number, in which form, the bytes of a piece, and the place."""


@st.composite
def spoiled(draw: st.DrawFn, wholes: Sequence[bytes]) -> bytes:
    """One of `wholes` with some pieces overwritten, put in, taken out or doubled; most often near its begin."""
    content = bytearray(draw(st.sampled_from(wholes)))
    count = draw(st.integers(0, 6))
    # Drawn at once: a dozen numbers for each change would take longer than what is tested.
    for change in _CHANGE.iter_unpack(draw(st.binary(min_size=_CHANGE.size * count, max_size=_CHANGE.size * count))):
        _change(content, *change)
    return bytes(content)


def _change(content: bytearray, action: int, length: int, number: int, form: int, piece: bytes, place: int) -> None:
    end = min(_NEAR, len(content)) if place & 1 else len(content)
    at = (place >> 1) % (end + 1)
    if form & 1:
        piece = piece[: length % (len(piece) + 1)]
    else:
        size = _SIZES[form >> 1 & 3]
        order: Literal["little", "big"] = "big" if form & 8 else "little"
        piece = (_NUMBERS[number % len(_NUMBERS)] % (1 << 8 * size)).to_bytes(size, order)
    match action % 5:
        case 0:
            content[at : at + len(piece)] = piece
        case 1:
            content[at:at] = piece
        case 2:
            del content[at : at + 1 + length % 64]
        case 3:
            content[at:at] = content[at : at + 1 + length % 64]
        case _:
            del content[at:]


def spoiled_text(wholes: Sequence[str]) -> st.SearchStrategy[str]:
    """The same for texts; what is no UTF-8 any more stands for itself, as surrogates do in Python."""
    return spoiled([whole.encode() for whole in wholes]).map(lambda content: content.decode("utf-8", "surrogateescape"))
