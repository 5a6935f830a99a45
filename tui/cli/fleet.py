"""The hypervisors of one command: connected to and asked all at once, each within a deadline."""

from __future__ import annotations

import asyncio
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
from tui.cli.output import complain
from tui.cli.target import Target

DEADLINE = 10.0
"""Seconds that a hypervisor may take to be connected to, and again to look for a domain."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """A domain, and the connection to where it is."""

    backend: Backend
    domain: Domain


class Fleet:
    """Connections to all hypervisors that a command was given. Where there is but one, its errors are the command's.

    Of several, one that cannot be connected to stops nobody; one whose URI means nothing is a slip of whoever named it.
    """

    def __init__(self, target: Target) -> None:
        self._hosts = {uri: target.host(uri) for uri in target.uris}
        self._open = [target.backend(uri) for uri in target.uris]
        self._silent: dict[str, BackendError] = {}
        """By URI: why they could not be asked."""

    async def __aenter__(self) -> Self:
        answers = await _all([(backend, backend.open()) for backend in self._open])
        self._silent = {backend.uri: error for backend, error in answers.items() if isinstance(error, BackendError)}
        self._open = [backend for backend in self._open if backend.uri not in self._silent]
        for error in self._silent.values():
            if isinstance(error, InvalidURI) or len(self._hosts) == 1:
                await self._keep(())
                raise error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._keep(())

    async def find(self, name: str) -> Found:
        """The one domain of that name, uuid or id; the connections to all but its hypervisor are closed.

        AmbiguousDomain where several hypervisors have one, NoSuchDomain where none has, and NoConnection where none
        of those has that could be asked.
        """
        found = (await self.find_all([name]))[name]
        if isinstance(found, BackendError):
            raise found
        return found

    async def find_all(self, names: Sequence[str]) -> Mapping[str, Found | BackendError]:
        """`find` for several, each with its own answer."""
        found: dict[str, Found | BackendError] = {}
        looked = await asyncio.gather(*(self._find(name) for name in names))
        silent = dict(self._silent)
        for name, (places, failed) in zip(names, looked, strict=True):
            found[name] = self._judged(name, places, self._silent | failed)
            silent |= failed
        if len(self._hosts) > 1 and any(isinstance(place, Found) for place in found.values()):
            for uri, error in silent.items():
                complain(of_host(self._hosts[uri], error))
        await self._keep([place.backend for place in found.values() if isinstance(place, Found)])
        return found

    async def _find(self, name: str) -> tuple[list[Found], dict[str, BackendError]]:
        """Where that domain is, and what went wrong with those that may have it too."""
        answers = await _all([(backend, backend.find(name)) for backend in self._open])
        places = [Found(backend, answer) for backend, answer in answers.items() if isinstance(answer, Domain)]
        failed = {backend.uri: answer for backend, answer in answers.items() if isinstance(answer, BackendError)}
        if len(self._hosts) > 1:
            failed = {uri: error for uri, error in failed.items() if not isinstance(error, NoSuchDomain)}
        return places, failed

    def _judged(self, name: str, places: Sequence[Found], failed: Mapping[str, BackendError]) -> Found | BackendError:
        match places:
            case [place]:
                return place
            case [_, *_]:
                hosts = ", ".join(self._hosts[place.backend.uri] for place in places)
                return AmbiguousDomain(f"domain {name!r} is on {hosts}: choose one of them with -c")
        if len(self._hosts) == 1:
            [error] = failed.values()
            return error
        asked = [host for uri, host in self._hosts.items() if uri not in failed]
        nowhere = f"no domain {name!r} on {', '.join(asked)}" if asked else ""
        silent = [of_host(self._hosts[uri], error) for uri, error in failed.items()]
        words = "; ".join(filter(None, [nowhere, *silent]))
        return NoConnection(words) if failed else NoSuchDomain(words)

    async def _keep(self, needed: Collection[Backend]) -> None:
        """Close all connections but these."""
        leaving = [backend for backend in self._open if backend not in needed]
        self._open = [backend for backend in self._open if backend in needed]
        await asyncio.gather(*(backend.close() for backend in leaving))


async def _all(asked: Sequence[tuple[Backend, Coroutine[Any, Any, T]]]) -> dict[Backend, T | BackendError]:
    """What each of them answers; those that do not within the deadline have an error that says so."""
    answers = await asyncio.gather(*(within(backend, DEADLINE, answer) for backend, answer in asked))
    return {backend: answer for (backend, _), answer in zip(asked, answers, strict=True)}


def of_host(host: str, error: BackendError) -> str:
    """The error in one line that names the host."""
    message = clean(error.message)
    return message if host in message else f"{host}: {message}"


async def within(backend: Backend, deadline: float, answer: Coroutine[Any, Any, T]) -> T | BackendError:
    """What comes of `answer`, or its error; NotAnswering after `deadline` seconds, not counting those of a person."""
    ask = backend.ask
    try:
        async with asyncio.timeout(deadline) as limit:
            backend.ask = ask and partial(_unhurried, ask, limit, deadline)
            return await answer
    except TimeoutError:
        return NotAnswering(f"no answer from {backend.uri} within {deadline:g} s")
    except Exception as error:
        return backend_error(error)
    finally:
        backend.ask = ask


async def _unhurried(
    ask: Ask, limit: asyncio.Timeout, deadline: float, wanted: Sequence[Credential]
) -> Mapping[Credential, str]:
    limit.reschedule(None)
    try:
        return await ask(wanted)
    finally:
        limit.reschedule(asyncio.get_running_loop().time() + deadline)
