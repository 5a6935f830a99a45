"""Who seems to have requested a job that is followed: to be remembered with it, and worth no more than it says."""

from __future__ import annotations

import asyncio
import logging

from backend.base import Backend
from backend.errors import BackendError
from backend.model import JobKey, Operation

logger = logging.getLogger(__name__)

LOOKS, PAUSE = 2, 1.0
"""How often it is looked, and the seconds between two looks."""


async def find_requester(backend: Backend, key: JobKey, operation: Operation) -> str:
    """The program that waits for the job, marked as a claim: ``virsh dump (pid 812, root) (claimed)``; empty where
    none is seen."""
    for number in range(LOOKS):
        if number:
            await asyncio.sleep(PAUSE)
        try:
            client = (await backend.job_origin(key, operation)).client
        except BackendError as error:
            logger.debug("who requested %s is not known: %s", operation.label, error)
            break
        if client is not None:
            return f"{client.label} (claimed)"
    return ""
