"""The path template of dumps, and its fields."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

FIELDS = ("folder", "domain", "time", "format")
"""``folder`` is the hypervisor's default dump folder."""
DEFAULT = "{folder}/{domain}-{time}.{format}"
_FIELD = re.compile(r"\{([^{}]*)\}")


def objection(template: str) -> str | None:
    """What is required of a template, if this one is invalid."""
    unknown = [name for name in _FIELD.findall(template) if name not in FIELDS]
    if unknown or "{" in (rest := _FIELD.sub("", template)) or "}" in rest:
        return f"a path whose fields are {', '.join(f'{{{name}}}' for name in FIELDS)}"
    if not template.startswith(("/", "{folder}/")) or template.endswith("/"):
        return "the absolute path of a file, or begin with {folder}/"
    return None


def filled(template: str, folder: str, name: str, format_name: str, now: float) -> str:
    """The path of a dump of the domain `name`; `now` in seconds since the epoch.

    The domain's name becomes a single harmless path component.
    """
    values: Mapping[str, str] = {
        "folder": folder,
        "domain": harmless(name),
        "time": time.strftime("%Y%m%d-%H%M%S", time.localtime(now)),
        "format": format_name,
    }
    return _FIELD.sub(lambda field: values[field[1]], template)


def harmless(name: str) -> str:
    """`name` without characters that are special in paths or shells, and without dots at its ends."""
    return re.sub(r"[^\w.+-]+", "_", name).strip("_.") or "domain"
