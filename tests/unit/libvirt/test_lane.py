"""What becomes of connections, on libvirt's test driver: it needs the binding, and no daemon."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("libvirt")

from backend.errors import NoConnection
from backend.libvirt import lane as lanes
from backend.libvirt.connect import disconnect
from backend.libvirt.lane import Lane
from backend.libvirt.link import Link
from backend.libvirt.watch import Watch
from backend.traffic import Traffic


def breaks(link: Link) -> None:
    raise NoConnection("the line broke")


@pytest.mark.parametrize("watched", [True, False])
async def test_a_connection_that_breaks_under_a_call_is_closed_once(
    monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    # Two threads that close one at the same time take it from under libvirt.
    closed: list[Any] = []
    monkeypatch.setattr(lanes, "disconnect", lambda conn: (closed.append(conn), disconnect(conn)))
    lost: list[str] = []
    watch = Watch(lambda event: None, lambda conn, reason: None) if watched else None
    lane = Lane("test:///default", False, Traffic(), watch, lost.append)
    await lane.reopen()
    with pytest.raises(NoConnection):
        await lane.call("the daemon", breaks)
    await lane.close()
    assert len(closed) == len(lost) == 1
