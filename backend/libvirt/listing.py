"""Domains and their states, read with as few and as harmless calls as libvirt allows. All of it blocks."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import libvirt

from backend.libvirt.connection.connection import Connection
from backend.libvirt.convert import domain_key, reason_word
from backend.model import Domain, DomainKey, DomainState

logger = logging.getLogger(__name__)

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ID = re.compile("0|[1-9][0-9]{,8}")


def list_domains(connection: Connection) -> list[Domain]:
    """Every domain, without its memory; the connection's handles are made anew."""
    handles: dict[str, Any] = {}
    domains = []
    for handle, state, reason in _states(connection.conn):
        domain = _domain(handle, state, reason)
        handles[domain.key.uuid] = handle
        domains.append(domain)
    connection.handles = handles
    return domains


def _states(conn: Any) -> Iterator[tuple[Any, int, int]]:
    try:
        # Only the state: everything else in the bulk call enters the monitor of each domain.
        records = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
    except libvirt.libvirtError as error:  # Not in this driver, or more domains than fit into one answer.
        logger.debug("no bulk list of domains: %s", error)
        for handle in conn.listAllDomains():
            yield handle, *handle.state()
    else:
        for handle, stats in records:
            yield handle, stats.get("state.state", 0), stats.get("state.reason", 0)


def look_at(uuid: str, connection: Connection) -> Domain:
    """One domain, looked up anew, so that its id is the present one."""
    return _described(connection, connection.conn.lookupByUUIDString(uuid))


def look_for(name: str, connection: Connection) -> Domain | None:
    """The domain with that running id, uuid or name, without listing the others: one of them may be hung."""
    for look_up in (_by_id, _by_uuid, _by_name):
        try:
            handle = look_up(connection.conn, name)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
        else:
            if handle is not None:
                return _described(connection, handle)
    return None


def memory(key: DomainKey, connection: Connection) -> int:
    """Bytes that the domain may have."""
    size: int = connection.handle(key).info()[1] * 1024
    return size


def _described(connection: Connection, handle: Any) -> Domain:
    state, reason = handle.state()
    domain = _domain(handle, state, reason)
    connection.handles[domain.key.uuid] = handle
    return domain


def _domain(handle: Any, state: int, reason: int) -> Domain:
    return Domain(domain_key(handle), DomainState(state), reason_word(state, reason))


def _by_id(conn: Any, name: str) -> Any:
    return conn.lookupByID(int(name)) if _ID.fullmatch(name) else None


def _by_uuid(conn: Any, name: str) -> Any:
    return conn.lookupByUUIDString(name) if _UUID.fullmatch(name) else None


def _by_name(conn: Any, name: str) -> Any:
    return conn.lookupByName(name)
