"""libvirt's event loop: one daemon thread for the whole process, running before any connection is opened."""

from __future__ import annotations

import threading

import libvirt

_lock = threading.Lock()
_started = False


def ensure_running() -> None:
    """Start the event loop, unless it runs already. Events, keepalive and close callbacks depend on it."""
    global _started
    with _lock:
        if _started:
            return
        # libvirt prints every error to stderr, unless somebody else takes it. They are raised anyway.
        libvirt.registerErrorHandler(_ignore, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_run, name="libvirt events", daemon=True).start()
        _started = True


def _ignore(context: object, error: object) -> None:
    """Drop what libvirt would print."""


def _run() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()
