"""What a command sees of jobs is kept in this user's history."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.errors import JournalError
from backend.observing.memory import Memory
from backend.records.history import History

logger = logging.getLogger(__name__)


@asynccontextmanager
async def remembering(role: str) -> AsyncIterator[Memory | None]:
    """A memory for a command with that name, which has written everything at the end; None without a state folder."""
    try:
        memory = Memory(History(), role)
    except JournalError as error:
        logger.warning("what is seen is not kept: %s", error.message)
        yield None
        return
    try:
        yield memory
        await memory.settle()
    finally:
        memory.close()
