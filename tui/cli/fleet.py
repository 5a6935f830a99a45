"""The hypervisors of one command: connected and queried at the same time, each within a deadline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from backend.base import Backend
from backend.credentials import Ask, Credential
from backend.errors import AmbiguousDomain, BackendError, InvalidURI, NoConnection, NoSuchDomain, NotAnswering
from backend.log import backend_error
from backend.model import Domain
from backend.text import clean
from tui.cli.hints import this_command
from tui.cli.output import complain
from tui.cli.target import Target

DEADLINE = 10.0
"""Seconds that a hypervisor has to accept the connection, and again to look up a domain."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Location:
    """A domain and the connection to its hypervisor."""

    backend: Backend
    domain: Domain


class Fleet:
    """Connections to all hypervisors of a command.

    With a single hypervisor, its error is the command's error. Of several, one that cannot be reached does not stop
    the others, but an invalid URI does: it is a mistake on the command line.
    """

    def __init__(self, target: Target) -> None:
        self._hosts = target.hosts(target.uris)
        self._arguments = {uri: target.argument(uri) for uri in target.uris}
        self._open = [target.backend(uri) for uri in target.uris]
        self._unreachable: dict[str, BackendError] = {}
        """The errors of hypervisors without a connection, by URI."""

    async def __aenter__(self) -> Self:
        answers = await _all([(backend, backend.open()) for backend in self._open])
        self._unreachable = {
            backend.uri: error for backend, error in answers.items() if isinstance(error, BackendError)
        }
        self._open = [backend for backend in self._open if backend.uri not in self._unreachable]
        for error in self._unreachable.values():
            if isinstance(error, InvalidURI) or len(self._hosts) == 1:
                await self._keep(())
                raise error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._keep(())

    @property
    def backends(self) -> Sequence[Backend]:
        """The connections that are open."""
        return tuple(self._open)

    @property
    def unreachable(self) -> Mapping[str, BackendError]:
        """Why there is no connection to the others, by URI."""
        return self._unreachable

    @property
    def name(self) -> str:
        """The names of all hypervisors."""
        return ", ".join(self._hosts.values())

    def host(self, backend: Backend) -> str:
        """The name of that hypervisor."""
        return self._hosts[backend.uri]

    def complain_of_unreachable(self) -> None:
        """Name each hypervisor without a connection, and why, in one line."""
        for uri, error in self._unreachable.items():
            complain(host_error_line(self._hosts[uri], error))

    async def find(self, name: str) -> Location:
        """The domain with that name, uuid or id; closes the connections to all other hypervisors.

        AmbiguousDomain if several hypervisors have it, NoSuchDomain if none has it, and NoConnection if none of the
        reachable ones has it and others could not be asked.
        """
        location = (await self.find_all([name]))[name]
        if isinstance(location, BackendError):
            raise location
        return location

    async def find_all(self, names: Sequence[str]) -> Mapping[str, Location | BackendError]:
        """Like `find`, for several names, each with a location or an error."""
        locations: dict[str, Location | BackendError] = {}
        answers = await asyncio.gather(*(self._find(name) for name in names))
        errors = dict(self._unreachable)
        for name, (matches, failed) in zip(names, answers, strict=True):
            locations[name] = self._single(name, matches, self._unreachable | failed)
            errors |= failed
        matched = [location for location in locations.values() if isinstance(location, Location)]
        if len(self._hosts) > 1 and matched:
            for uri, error in errors.items():
                complain(host_error_line(self._hosts[uri], error))
        await self._keep([location.backend for location in matched])
        return locations

    async def _find(self, name: str) -> tuple[list[Location], dict[str, BackendError]]:
        """Where that domain is, and the errors of the hypervisors that may have it as well."""
        answers = await _all([(backend, backend.find(name)) for backend in self._open])
        matches = [Location(backend, answer) for backend, answer in answers.items() if isinstance(answer, Domain)]
        failed = {backend.uri: answer for backend, answer in answers.items() if isinstance(answer, BackendError)}
        if len(self._hosts) > 1:
            failed = {uri: error for uri, error in failed.items() if not isinstance(error, NoSuchDomain)}
        return matches, failed

    def _single(
        self, name: str, matches: Sequence[Location], failed: Mapping[str, BackendError]
    ) -> Location | BackendError:
        """The only match, or why there is not exactly one."""
        match matches:
            case [location]:
                return location
            case [_, *_]:
                hosts = ", ".join(self._arguments[location.backend.uri] for location in matches)
                first = this_command(hosts=[self._arguments[matches[0].backend.uri]])
                return AmbiguousDomain(f"domain {name!r} is on {hosts}: choose one of them, as in: {first}")
        if len(self._hosts) == 1:
            [error] = failed.values()
            return error
        searched = [host for uri, host in self._hosts.items() if uri not in failed]
        missing = f"no domain {name!r} on {', '.join(searched)}" if searched else ""
        errors = [host_error_line(self._hosts[uri], error) for uri, error in failed.items()]
        message = "; ".join(filter(None, [missing, *errors]))
        return NoConnection(message) if failed else NoSuchDomain(message)

    async def _keep(self, needed: Collection[Backend]) -> None:
        """Close all other connections."""
        closing = [backend for backend in self._open if backend not in needed]
        self._open = [backend for backend in self._open if backend in needed]
        await asyncio.gather(*(backend.close() for backend in closing))


async def _all(calls: Sequence[tuple[Backend, Coroutine[Any, Any, T]]]) -> dict[Backend, T | BackendError]:
    """The answer of each backend, or its error; NotAnswering after the deadline."""
    answers = await asyncio.gather(*(within(backend, DEADLINE, call) for backend, call in calls))
    return {backend: answer for (backend, _), answer in zip(calls, answers, strict=True)}


def host_error_line(host: str, error: BackendError) -> str:
    """The error in one line that names the host."""
    message = clean(error.message)
    named = re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", message)
    return message if named else f"{host}: {message}"


async def within(backend: Backend, deadline: float, call: Coroutine[Any, Any, T]) -> T | BackendError:
    """The result of `call`, or its error; NotAnswering after `deadline` seconds, not counting time at a prompt."""
    ask = backend.ask
    try:
        async with asyncio.timeout(deadline) as limit:
            backend.ask = ask and partial(_pause_deadline, ask, limit, deadline)
            return await call
    except Exception as error:
        if isinstance(error, TimeoutError) and limit.expired():  # Not that of a file system, say.
            return NotAnswering(f"no answer from {backend.uri} within {deadline:g} s")
        return backend_error(error)
    finally:
        backend.ask = ask


async def _pause_deadline(
    ask: Ask, limit: asyncio.Timeout, deadline: float, credentials: Sequence[Credential]
) -> Mapping[Credential, str]:
    limit.reschedule(None)
    try:
        return await ask(credentials)
    finally:
        limit.reschedule(asyncio.get_running_loop().time() + deadline)
