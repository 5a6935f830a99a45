"""What commands and other bindings are about, for the help."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REST = "General"
"""The group of those that have no other."""
_IDS = {
    REST: "help open-palette quit back close detach later yes no more less write",
    "Jobs": "open wait abort pivot resume migration apply start-postcopy",
    "Dumps": "dump start drop-queued queue-again forget-queued",
    "Move": (
        "cursor.down cursor.up cursor.first cursor.last cursor.page-down cursor.page-up columns.right columns.left "
        "scroll.down scroll.up scroll.first scroll.last scroll.page-down scroll.page-up scroll.right scroll.left "
        "next-pane previous-pane leave-pane focus-activity enlarge"
    ),
    "Find and mark": (
        "filter clear-filter keep-filter search end-search next-match previous-match mark mark-shown clear-marks "
        "problems-only busy-only"
    ),
    "Look": (
        "show-job show-history show-info show-log show-xml show-done show-waits open-entry open-line acknowledge "
        "acknowledge-all read-again show-past-jobs"
    ),
    "Arrange": "reverse-sort choose-columns keep-columns reset-columns column.toggle column.earlier column.later",
    "Copy": "copy-name copy-path copy-stats copy-entry copy-file copy-uri copy-text copy-command copy-virsh export",
    "Hosts": "show-hosts add-host drop-host save-hosts retry-hosts retry-host",
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
