"""What commands and other bindings are about, for the help."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REST = "General"
"""The group of those that have no other."""
_IDS = {
    REST: "help quit back close detach yes no",
    "Jobs": "open wait abort pivot resume migration apply start-postcopy",
    "Dumps": "dump start drop-queued",
    "Move": (
        "cursor.down cursor.up cursor.first cursor.last cursor.page-down cursor.page-up columns.right columns.left "
        "next-pane previous-pane show-activity enlarge"
    ),
    "Find and mark": "filter clear-filter keep-filter mark mark-shown clear-marks problems-only busy-only",
    "Look": "show-job show-history show-info show-log show-xml show-done show-wait open-entry show-past-jobs",
    "Arrange": (
        "sort reverse-sort choose-columns keep-columns reset-columns column.toggle column.earlier column.later"
    ),
    "Copy": "copy-name copy-path copy-stats copy-entry copy-file copy-command copy-virsh export",
    "Hosts": "show-hosts add-host drop-host save-hosts retry-hosts",
}
GROUPS: Mapping[str, str] = MappingProxyType({id: group for group, ids in _IDS.items() for id in ids.split()})  # noqa: A001
"""The group of each binding id that has one."""
ORDER = tuple(_IDS)
"""The groups as the help shows them."""


def group_of(binding_id: str | None) -> str:
    """The group of the binding with that id."""
    if binding_id and binding_id.startswith("sort"):
        return "Arrange"
    return GROUPS.get(binding_id or "", REST)
