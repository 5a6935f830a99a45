"""Opens the backend for a URI."""

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

    The scheme selects an installed entry point of the group ``virt_jobs.backends``. Schemes of libvirt's drivers, and
    schemes without an entry point, go to libvirt. InvalidURI if the URI cannot be parsed; NotSupported if the libvirt
    binding is not installed or the backend cannot be loaded.
    """
    try:
        scheme = urlsplit(uri).scheme
    except ValueError as error:
        raise InvalidURI(f"invalid URI {clean(uri)}: {error}") from None
    if clean(uri) != uri:
        raise InvalidURI(f"invalid URI {clean(uri)}: it contains unprintable characters")
    return _implementation(scheme)(uri, readonly)


def _implementation(scheme: str) -> type[Backend]:
    if scheme.partition("+")[0] not in _LIBVIRT_DRIVERS:
        # Reading the installed entry points takes longer than listing a hundred domains.
        from importlib.metadata import entry_points

        for entry in entry_points(group=GROUP, name=scheme):
            return _load(entry)
    return _load_libvirt()


def _load(entry: EntryPoint) -> type[Backend]:
    failure = f"cannot load the backend for {entry.name}:// URIs"
    if entry.dist is not None:
        failure += f" from {entry.dist.name} {entry.dist.version}"
    try:
        implementation = entry.load()
    except Exception as error:  # Code of another author: it may raise anything.
        logger.warning("%s", failure, exc_info=True)
        reason = f"{type(error).__name__}: {clean(str(error))}"
        raise NotSupported(f"{failure} ({reason}); fix or uninstall it") from None
    if not (isinstance(implementation, type) and issubclass(implementation, Backend)):
        raise NotSupported(f"{failure} ({entry.value} is not a Backend); fix or uninstall it")
    return implementation


def libvirt_installed() -> bool:
    """Whether the libvirt binding can be imported."""
    try:
        _load_libvirt()
    except BackendError:
        return False
    return True


def _load_libvirt() -> type[Backend]:
    try:
        from backend.libvirt.backend import LibvirtBackend
    except ImportError as error:
        from backend.libvirt.connection.binding import how_to_get

        raise NotSupported(f"the libvirt binding cannot be loaded ({error}); {how_to_get()}") from None
    return LibvirtBackend
