"""The domains of a hypervisor, also while some of them, or all, do not answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from backend.base import find_domain
from backend.errors import NoSuchDomain, NotAnswering
from backend.libvirt import listing
from backend.libvirt.connection.pool import Pool
from backend.model import Domain, DomainKey, DomainState

_LISTING = "the list of domains"


class KnownDomains:
    """Lists and finds them, and knows those that were listed last.

    `running`: those that run, as far as that can be told without the hypervisor.
    """

    def __init__(self, uri: str, polling: Pool, running: Callable[[], Awaitable[Sequence[DomainKey]]]) -> None:
        self._uri = uri
        self._polling = polling
        self._running = running
        self._listed: dict[str, Domain] | None = None  # None until they were.
        self._memory: dict[DomainKey, int] = {}

    async def read(self) -> list[Domain]:
        """All of them, in virsh's order. NotAnswering if nothing is known yet, and there is no answer."""
        try:
            domains = await self._polling.call(_LISTING, listing.list_domains)
        except NotAnswering:
            domains = await self._list_one_by_one()
        domains = await self._add_memory(domains)
        self._listed = {domain.key.uuid: domain for domain in domains}
        self._memory = {domain.key: domain.memory for domain in domains if domain.memory}
        return sorted(domains, key=_virsh_order)

    async def find(self, name: str) -> Domain | None:
        """The one with that running id, uuid or name, as libvirt knows it; as it was listed if it does not answer."""
        try:
            domain = await self._polling.call(name, partial(listing.look_for, name))
        except NotAnswering:
            seen = find_domain(name, await self._seen())
            if seen is None:
                raise
            return replace(seen, answering=False)
        return (await self._add_memory([domain]))[0] if domain is not None else None

    def key_of(self, uuid: str) -> DomainKey:
        """Its key, as far as it is known."""
        known = (self._listed or {}).get(uuid)
        return known.key if known is not None else DomainKey(uuid, None, "")

    def with_memory(self, domain: Domain) -> Domain:
        """The domain with its memory, if that was read before."""
        return replace(domain, memory=self._memory.get(domain.key, 0))

    def started(self, key: DomainKey) -> None:
        """A run of it has begun."""
        if self._listed is not None:
            self._listed.setdefault(key.uuid, Domain(key, DomainState.RUNNING))

    async def _list_one_by_one(self) -> list[Domain]:
        """The domains already listed, each looked up alone, because one of them blocks the list."""
        known = {domain.key: domain for domain in await self._seen()}
        if not known:
            raise NotAnswering(f"{self._uri} does not answer, and nothing is known of its domains yet")
        found = await self._polling.sweep({key: partial(listing.look_at, key.uuid) for key in known})
        domains = []
        for key, domain in known.items():
            now = found[key]
            if isinstance(now, Domain):
                domains.append(now)
            elif not isinstance(now, NoSuchDomain):
                domains.append(replace(domain, answering=not isinstance(now, NotAnswering)))
        return domains

    async def _seen(self) -> list[Domain]:
        """The domains as they were last listed; before that, those that run."""
        if self._listed is not None:
            return list(self._listed.values())
        return [Domain(key, DomainState.NOSTATE) for key in await self._running()]

    async def _add_memory(self, domains: list[Domain]) -> list[Domain]:
        """The domains with their memory, read once per run of a domain; those that do not answer are marked."""
        missing = [domain.key for domain in domains if domain.key not in self._memory and domain.answering]
        if missing:
            sizes = await self._polling.sweep({key: partial(listing.memory, key) for key in missing})
            self._memory.update({key: size for key in missing if isinstance(size := sizes[key], int)})
        stuck = self._polling.stuck
        return [
            replace(
                domain,
                memory=self._memory.get(domain.key, domain.memory),
                answering=domain.answering and domain.key not in stuck,
            )
            for domain in domains
        ]


def _virsh_order(domain: Domain) -> tuple[bool, int, str]:
    return not domain.active, domain.key.id or 0, domain.name
