"""From a URI to the backend that speaks to it."""

from __future__ import annotations

from importlib.metadata import entry_points
from urllib.parse import urlsplit

from backend.base import Backend
from backend.errors import BackendError, InvalidURI, NotSupported
from backend.journal import Journal

GROUP = "virt_jobs.backends"


def open_backend(uri: str, readonly: bool = False, journal: Journal | None = None) -> Backend:
    """The backend for `uri`, not connected yet: enter it with ``async with``.

    The scheme picks the implementation among the installed entry points of the group
    ``virt_jobs.backends``; any scheme without one is libvirt's. InvalidURI for a URI without a scheme,
    NotSupported where the libvirt binding is not installed.
    """
    try:
        scheme = urlsplit(uri).scheme
    except ValueError as error:
        raise InvalidURI(f"invalid URI {uri}: {error}") from None
    for entry in entry_points(group=GROUP, name=scheme):
        implementation: type[Backend] = entry.load()
        return implementation(uri, readonly, journal)
    return _libvirt()(uri, readonly, journal)


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
        raise NotSupported(
            f"the libvirt binding is not usable ({error}); install it with: pip install 'virt-jobs[libvirt]'"
        ) from None
    return LibvirtBackend
