"""Turns libvirt's callbacks into the events of the contract."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import libvirt

from backend.errors import NotSupported
from backend.events import (
    BlockJobEvent,
    BlockJobStatus,
    Event,
    JobEvent,
    Lifecycle,
    LifecycleEvent,
    RecordEvent,
)
from backend.job_stats import JobType
from backend.libvirt.connection import monitor
from backend.libvirt.convert import detail_word, domain_key, job_stats
from backend.libvirt.errors import message_of
from backend.libvirt.metadata import URN
from backend.log import ignored
from backend.model import BlockOperation
from backend.text import clean

try:
    import libvirt_qemu
except ImportError:
    libvirt_qemu = None

logger = logging.getLogger(__name__)

_CLOSE_REASONS = {
    libvirt.VIR_CONNECT_CLOSE_REASON_EOF: "the daemon closed it",
    libvirt.VIR_CONNECT_CLOSE_REASON_KEEPALIVE: "the daemon does not answer any more",
}


class Watch:
    """The callbacks on a connection.

    `put` gets each event, `lost` the connection and why, should it break, and `rebuilt` the uuid of a domain that got
    or lost a device; all in libvirt's event-loop thread.
    """

    def __init__(
        self, put: Callable[[Event], None], lost: Callable[[Any, str], None], rebuilt: Callable[[str], None]
    ) -> None:
        self._put = put
        self._lost = lost
        self._rebuilt = rebuilt
        self._undo: dict[Any, list[Callable[[], object]]] = {}
        self.monitor_events: str | None = None
        """Why QEMU's own events, of the begins of jobs and a dump's end, are not heard, once `register` returned."""

    def register(self, conn: Any, readonly: bool) -> None:
        """Register for the events that the driver of `conn` supports. Blocks."""
        undo = self._undo.setdefault(conn, [])
        with ignored(logger, "a lost connection will only be noticed by a call", libvirt.libvirtError):
            conn.registerCloseCallback(self._closed, None)
            undo.append(conn.unregisterCloseCallback)
        for event, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle),
            (libvirt.VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, self._job_completed),
            (libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, self._metadata_change),
            (libvirt.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, self._block_job),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, self._device),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._device),
        ):
            with ignored(logger, f"no events of kind {event}", libvirt.libvirtError):
                registered = conn.domainEventRegisterAny(None, event, callback, None)
                undo.append(partial(conn.domainEventDeregisterAny, registered))
        try:
            self.monitor_events = None
            undo.append(self._register_monitor(conn, readonly))
        except libvirt.libvirtError as error:
            self.monitor_events = message_of(error)
        except NotSupported as error:
            self.monitor_events = error.message

    def deregister(self, conn: Any) -> None:
        """Listen no more; a connection with callbacks on it would stay open for ever. Blocks."""
        for undo in self._undo.pop(conn, []):
            with ignored(logger, "a callback stays registered", libvirt.libvirtError):
                undo()

    def _register_monitor(self, conn: Any, readonly: bool) -> Callable[[], object]:
        if readonly:
            raise NotSupported("the connection is read-only")
        if libvirt_qemu is None:
            raise NotSupported("the libvirt binding has no QEMU part")
        regex = libvirt_qemu.VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_REGEX
        registered = libvirt_qemu.qemuMonitorEventRegister(conn, None, monitor.NAMES, self._monitor, None, regex)
        return partial(libvirt_qemu.qemuMonitorEventDeregister, conn, registered)

    def _closed(self, conn: Any, reason: int, opaque: object) -> None:
        self._lost(conn, _CLOSE_REASONS.get(reason, "it was lost"))

    def _lifecycle(self, conn: Any, domain: Any, event: int, detail: int, opaque: object) -> None:
        with ignored(logger, "an event of a kind newer than this code", ValueError):
            kind = Lifecycle(event)
            self._put(LifecycleEvent(domain_key(domain), kind, detail_word(kind, detail)))

    def _job_completed(self, conn: Any, domain: Any, params: Mapping[str, object], opaque: object) -> None:
        stats = job_stats({**params, "type": JobType.COMPLETED})
        if stats is not None:
            self._put(JobEvent(domain_key(domain), stats))

    def _metadata_change(self, conn: Any, domain: Any, kind: int, uri: str | None, opaque: object) -> None:
        if uri == URN:
            self._put(RecordEvent(domain_key(domain)))

    def _block_job(self, conn: Any, domain: Any, disk: str, kind: int, status: int, opaque: object) -> None:
        if kind != BlockOperation.BACKUP:  # It is part of the domain's own job, whose end is reported by itself.
            self._put(BlockJobEvent(domain_key(domain), clean(disk), BlockOperation(kind), BlockJobStatus(status)))

    def _device(self, conn: Any, domain: Any, alias: str, opaque: object) -> None:
        self._rebuilt(domain.UUIDString())

    def _monitor(
        self, conn: Any, domain: Any, name: str, seconds: int, micros: int, details: str | None, opaque: object
    ) -> None:
        if (event := monitor.event(domain_key(domain), name, details)) is not None:
            self._put(event)
