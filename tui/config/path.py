"""The path of the user's config; a module of its own, so that commands without a config need not load the parser."""

from __future__ import annotations

import os


def config_path() -> str:
    """``config.toml`` in the user's config folder: as platformdirs has it, without its import time."""
    folder = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")
    return os.path.join(folder, "virt-jobs", "config.toml")
