"""From a URI to the backend that speaks to it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from backend.base import Backend
from backend.errors import BackendError, InvalidURI, NotSupported
from backend.text import clean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

logger = logging.getLogger(__name__)


GROUP = "virt_jobs.backends"
_LIBVIRT_DRIVERS = frozenset({"bhyve", "ch", "esx", "hyperv", "lxc", "openvz", "qemu", "test", "vbox", "vz", "xen"})


def open_backend(uri: str, readonly: bool = False) -> Backend:
    """The backend for `uri`, not connected yet: enter it with ``async with``.

    The scheme picks the implementation among the installed entry points of the group
    ``virt_jobs.backends``; libvirt's own and any without an entry point are libvirt's. InvalidURI for a URI
    that cannot be parsed, NotSupported where the libvirt binding is not installed, or a backend is broken.
    """
    try:
        scheme = urlsplit(uri).scheme
    except ValueError as error:
        raise InvalidURI(f"invalid URI {clean(uri)}: {error}") from None
    if clean(uri) != uri:
        raise InvalidURI(f"invalid URI {clean(uri)}: it has characters in it that cannot be shown")
    return _implementation(scheme)(uri, readonly)


def _implementation(scheme: str) -> type[Backend]:
    if scheme.partition("+")[0] not in _LIBVIRT_DRIVERS:
        # A look at what is installed takes longer than a list of a hundred domains.
        from importlib.metadata import entry_points

        for entry in entry_points(group=GROUP, name=scheme):
            return _loaded(entry)
    return _libvirt()


def _loaded(entry: EntryPoint) -> type[Backend]:
    what = f"the backend for {entry.name}: is broken"
    if entry.dist is not None:
        what += f", which {entry.dist.name} {entry.dist.version} installs"
    try:
        implementation = entry.load()
    except Exception as error:  # Whatever its author has made of it.
        logger.warning("%s", what, exc_info=True)
        raise NotSupported(f"{what} ({type(error).__name__}: {clean(str(error))}); mend or remove it") from None
    if not (isinstance(implementation, type) and issubclass(implementation, Backend)):
        raise NotSupported(f"{what} ({entry.value} is no Backend); mend or remove it")
    return implementation


def libvirt_installed() -> bool:
    """Whether the libvirt binding can be imported."""
    try:
        _libvirt()
    except BackendError:
        return False
    return True


def _libvirt() -> type[Backend]:
    try:
        from backend.libvirt.backend import LibvirtBackend
    except ImportError as error:
        from backend.libvirt.connection.binding import how_to_get

        raise NotSupported(f"the libvirt binding is not usable ({error}); {how_to_get()}") from None
    return LibvirtBackend
