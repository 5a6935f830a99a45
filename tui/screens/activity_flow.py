"""From an entry of the activity to what it is about: the job that has ended, the domain or the hosts."""

from __future__ import annotations

from collections.abc import Callable

from backend.observing.histories import recall
from backend.records.entry import JobEntry
from backend.records.history import Query
from backend.threads import in_thread
from backend.verdicts.job_sources import SourcedJob
from tui.commands.offering import OfferingScreen
from tui.screens.past_job import PastJobScreen
from tui.session.activity import Entry
from tui.session.rows import RowKey
from tui.session.session import Session

MOST = 200
"""Jobs of one domain among which the entry's is looked for, the newest ones."""


class ActivityFlow:
    """Opens it above `screen`, or goes to the domain there. `show_hosts` opens the hosts."""

    def __init__(
        self,
        screen: OfferingScreen[None],
        session: Session,
        show_domain: Callable[[RowKey], None],
        show_hosts: Callable[[], None],
    ) -> None:
        self._screen = screen
        self._session = session
        self._show_domain = show_domain
        self._show_hosts = show_hosts

    def show(self, entry: Entry) -> None:
        """Show what it is about, if that is still there."""
        if entry.job is not None:
            self._screen.run_worker(self._show_job(entry.job, entry), group="open", exclusive=True)
        else:
            self._show_subject(entry)

    async def _show_job(self, job: JobEntry, entry: Entry) -> None:
        query = Query(name=job.uuid, limit=MOST)
        recollection = await in_thread(lambda: recall(query), "history")
        known: SourcedJob | None = next((other for other in recollection.jobs if other.is_seen_as(job)), None)
        if known is not None:
            self._screen.open(PastJobScreen(known, self._session.host_name(job.uri)))
        else:
            self._show_subject(entry)

    def _show_subject(self, entry: Entry) -> None:
        keys = [row.key for row in self._session.rows.values() if not row.disk and row.domain.name == entry.subject]
        if entry.job is not None:
            keys = [key for key in keys if (key.uri, key.uuid) == (entry.job.uri, entry.job.uuid)]
        if keys:
            self._show_domain(keys[0])
        elif any(host.name == entry.subject for host in self._session.hosts.values()):
            self._show_hosts()
        else:
            self._screen.refuse("this line is about nothing that could be shown")
