"""A TimeoutError that came from inside, such as ETIMEDOUT of a file system, is not taken for one's own deadline."""

from __future__ import annotations

import asyncio
import errno
import os
from types import TracebackType
from typing import cast

import pytest

from backend.base import Backend
from backend.errors import InternalError, NotAnswering
from backend.observing import checkup
from tui.cli.fleet import within

FROM_INSIDE = OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


class Slow:
    """A backend whose opening never ends, or fails in a file system."""

    uri = "slow:///"
    readonly = False
    ask = None

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def __aenter__(self) -> Slow:
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def open(self) -> None:
        await self.__aenter__()


def test_the_error_of_a_file_system_is_a_timeout_error() -> None:
    assert isinstance(FROM_INSIDE, TimeoutError)


async def test_a_host_is_said_not_to_answer_only_after_the_deadline() -> None:
    silent, failed = (cast(Backend, Slow(error)) for error in (None, FROM_INSIDE))
    assert isinstance(await within(silent, 0.01, silent.open()), NotAnswering)
    assert isinstance(await within(failed, 60.0, failed.open()), InternalError)


async def test_a_checkup_says_so_only_after_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TimeoutError):
        await checkup.check(cast(Backend, Slow(FROM_INSIDE)))
    monkeypatch.setattr(checkup, "DEADLINE", 0.01)
    assert isinstance((await checkup.check(cast(Backend, Slow(None)))).error, NotAnswering)
