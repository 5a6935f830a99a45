"""Who hears of a host in a test that is not about that: nobody."""

from __future__ import annotations

from tui.session.host import Host, Link


class SilentListener:
    def link_changed(self, host: Host, before: Link) -> None:
        pass

    def domains_changed(self, host: Host) -> None:
        pass
