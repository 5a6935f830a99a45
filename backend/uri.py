"""From a URI to the backend that speaks to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from backend.base import Backend
from backend.errors import BackendError, InvalidURI, NotSupported

if TYPE_CHECKING:
    from backend.journal import Journal

GROUP = "virt_jobs.backends"
_LIBVIRT_DRIVERS = frozenset({"bhyve", "ch", "esx", "hyperv", "lxc", "openvz", "qemu", "test", "vbox", "vz", "xen"})


def open_backend(uri: str, readonly: bool = False, journal: Journal | None = None) -> Backend:
    """The backend for `uri`, not connected yet: enter it with ``async with``.

    The scheme picks the implementation among the installed entry points of the group
    ``virt_jobs.backends``; libvirt's own and any without an entry point are libvirt's. InvalidURI for a URI
    that cannot be parsed, NotSupported where the libvirt binding is not installed.
    """
    try:
        scheme = urlsplit(uri).scheme
    except ValueError as error:
        raise InvalidURI(f"invalid URI {uri}: {error}") from None
    return _implementation(scheme)(uri, readonly, journal)


def _implementation(scheme: str) -> type[Backend]:
    if scheme.partition("+")[0] not in _LIBVIRT_DRIVERS:
        # A look at what is installed takes longer than a list of a hundred domains.
        from importlib.metadata import entry_points

        for entry in entry_points(group=GROUP, name=scheme):
            implementation: type[Backend] = entry.load()
            return implementation
    return _libvirt()


def libvirt_installed() -> bool:
    """Whether the libvirt binding can be imported."""
    try:
        _libvirt()
    except BackendError:
        return False
    return True


def _libvirt() -> type[Backend]:
    try:
        from backend.libvirt import LibvirtBackend
    except ImportError as error:
        from backend.binding import how_to_get

        raise NotSupported(f"the libvirt binding is not usable ({error}); {how_to_get()}") from None
    return LibvirtBackend
