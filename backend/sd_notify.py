"""Tells systemd how a service is, by the protocol of sd_notify(3); without systemd, nobody."""

from __future__ import annotations

import contextlib
import logging
import os
import socket

logger = logging.getLogger(__name__)


def notify(*assignments: str) -> None:
    """Send these (``READY=1``, ``STATUS=...``) to the service manager, if there is one. Never blocks, never raises."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"  # In the abstract namespace.
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)) as sender:
            sender.setblocking(False)
            sender.sendto("\n".join(assignments).encode(), address)
    except OSError as error:
        logger.debug("the service manager was not notified: %s", error)


def watchdog_interval() -> float | None:
    """Seconds between two signs of life (``WATCHDOG=1``), half of what the manager waits; None: it waits for none."""
    try:
        micros = int(os.environ.get("WATCHDOG_USEC", ""))
        meant = int(os.environ.get("WATCHDOG_PID", os.getpid())) == os.getpid()
    except ValueError:
        return None
    return micros / 2e6 if meant and micros > 0 else None
