"""Reports the processes that a daemon on this host starts, as soon as they start: the kernel's process events.

They need CAP_NET_ADMIN in the machine's first namespaces (Linux, drivers/connector/cn_proc.c). A busy host starts
thousands of processes a second: a filter in the kernel drops all but the daemons' own children, so that they cost
nothing here. An event is a hint; it proves nothing.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import struct
import sys
import threading
from array import array
from collections.abc import Callable, Collection
from typing import ClassVar

logger = logging.getLogger(__name__)

_NETLINK_CONNECTOR = 11
_PROCESSES = 1
"""CN_IDX_PROC and CN_VAL_PROC: the connector that reports processes, and its multicast group."""
_LISTEN, _IGNORE = 1, 2
_ANSWERED, _FORKED = 0, 1
"""PROC_EVENT_NONE, which answers a request, and PROC_EVENT_FORK."""
_HEADERS = struct.Struct("=IHHIIIIIIHHIIQ")
"""struct nlmsghdr, struct cn_msg, and struct proc_event up to what depends on its kind."""
_FORK = struct.Struct("=IIII")
"""The thread and the process that forked, and the thread and the process that were born."""
_KIND_AT, _PARENT_AT = 36, 56
"""Where the kind of the event stands in it, and a fork's parent process."""
_SO_ATTACH_FILTER = 26
_PATIENCE = 2.0
"""Seconds in which the kernel answers a request; in a container, it says nothing."""

Take = Callable[[int], object]
"""Gets the pid of a process that was just born, in the thread of the events: it is quick."""
Missed = Callable[[], object]
"""Is called when processes may have been born untold: those before the first event, and those that were too many at
once. It is quick as well."""


class Children:
    """Use `follow`: one thread reads the events, for as long as somebody in this process follows a daemon."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _current: ClassVar[Children | None] = None

    @classmethod
    def follow(cls, parents: Collection[int], take: Take, missed: Missed = lambda: None) -> Callable[[], None]:
        """Tell `take` of each process that these pids start, until the returned function is called.

        OSError where this user may not hear of them. Where the kernel ignores the request, nothing is ever told, and
        nothing `missed`.
        """
        with cls._lock:
            if cls._current is None:
                cls._current = cls(_listening())
            current, follower = cls._current, (frozenset(parents), take, missed)
            current._change((*current._followers, follower))
            if current._hearing:
                missed()

        def leave() -> None:
            with cls._lock:
                current._change(tuple(other for other in current._followers if other is not follower))
                if not current._followers and cls._current is current:
                    cls._current = None
                    current._end()

        return leave

    @classmethod
    def hears(cls) -> bool:
        """Whether the kernel tells."""
        current = cls._current
        return current is not None and current._hearing

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._followers: tuple[tuple[frozenset[int], Take, Missed], ...] = ()
        self._hearing = False
        self._ending = False
        threading.Thread(target=self._run, name="children", daemon=True).start()

    def _change(self, followers: tuple[tuple[frozenset[int], Take, Missed], ...]) -> None:
        self._followers = followers
        with contextlib.suppress(OSError):  # The thread has ended: nothing is told.
            _attach_filter(self._connection, frozenset[int]().union(*(parents for parents, _, _ in followers)))

    def _end(self) -> None:
        self._ending = True
        with contextlib.suppress(OSError):
            _request(self._connection, _LISTEN)  # The answer wakes the thread.

    def _run(self) -> None:
        with self._connection as connection:
            try:
                connection.settimeout(_PATIENCE)
                self._await_answer(connection)
                connection.settimeout(None)
                with self._lock:
                    self._hearing = True
                    self._miss()
                while not self._ending:
                    self._take_one(connection)
                _request(connection, _IGNORE)  # Old kernels would go on making events for nobody.
            except TimeoutError:
                logger.debug("the kernel does not tell which processes are started")
            except OSError as error:
                logger.debug("it is not told which processes are started: %s", error)
            finally:
                self._hearing = False

    def _miss(self) -> None:
        for _, _, missed in self._followers:
            missed()

    def _await_answer(self, connection: socket.socket) -> None:
        while True:
            kind, (error, *_) = _event(connection.recv(256))
            if kind == _ANSWERED:
                break
        if error:
            raise OSError(error, os.strerror(error))

    def _take_one(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(256)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            logger.debug("not all processes that were started were told: there were too many at once")
            self._miss()
            return
        kind, (_, parent, thread, process) = _event(data)
        if kind == _FORKED and thread == process:
            for parents, take, _ in self._followers:
                if parent in parents:
                    take(process)


def _listening() -> socket.socket:
    """A socket that gets the events. OSError where that is not permitted."""
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_CONNECTOR)
    try:
        _attach_filter(connection, ())
        connection.bind((0, _PROCESSES))
        _request(connection, _LISTEN)
    except OSError:
        connection.close()
        raise
    return connection


def _request(connection: socket.socket, operation: int) -> None:
    data = struct.pack("=I", operation)
    message = struct.pack("=IIIIHH", _PROCESSES, _PROCESSES, 0, 0, len(data), 0) + data
    done = 3  # NLMSG_DONE
    connection.send(struct.pack("=IHHII", 16 + len(message), done, 0, 0, 0) + message)


def _event(data: bytes) -> tuple[int, tuple[int, int, int, int]]:
    """The kind of an event, and what follows; of an answer, its error is the first of that."""
    if len(data) < _HEADERS.size + _FORK.size:
        return -1, (0, 0, 0, 0)
    return _HEADERS.unpack_from(data)[11], _FORK.unpack_from(data, _HEADERS.size)


def _attach_filter(connection: socket.socket, parents: Collection[int]) -> None:
    """Let the kernel drop all but answers and the forks of these processes (classic BPF)."""
    load, jump_if, end = 0x20, 0x15, 0x06
    drop, take = (end, 0, 0, 0), (end, 0, 0, 0xFFFFFFFF)
    code = [
        (load, 0, 0, _KIND_AT),
        (jump_if, 0, 1, _network_order(_ANSWERED)),
        take,
        (jump_if, 1, 0, _network_order(_FORKED)),
        drop,
        (load, 0, 0, _PARENT_AT),
    ]
    for pid in parents:
        code += [(jump_if, 0, 1, _network_order(pid)), take]
    code.append(drop)
    instructions = array("B", b"".join(struct.pack("=HBBI", *line) for line in code))
    program = struct.pack("HP", len(code), instructions.buffer_info()[0])
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _network_order(number: int) -> int:
    """A number of the kernel's as a filter loads it."""
    return int.from_bytes(number.to_bytes(4, sys.byteorder), "big")
