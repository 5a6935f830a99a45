"""The language of the daemons that tests run on: their errors are translated where VIRT_JOBS_DAEMON_LOCALE says so."""

from __future__ import annotations

import os

LOCALE = os.environ.get("VIRT_JOBS_DAEMON_LOCALE", "C.UTF-8")
"""The locale in which tests start daemons, and in which the system's own was started."""


def in_english(sentence: str) -> str:
    """A pattern of what a daemon says in English; where daemons speak another language, it matches any text."""
    return sentence if LOCALE.startswith(("C", "en")) else "."
