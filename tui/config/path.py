"""Where the user's config is. Apart from what reads it, which commands without one need not load."""

from __future__ import annotations

import os


def config_path() -> str:
    """``config.toml`` in the user's config folder, as platformdirs has it on Linux, without the time that it takes."""
    folder = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")
    return os.path.join(folder, "virt-jobs", "config.toml")
