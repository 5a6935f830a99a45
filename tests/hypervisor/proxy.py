"""A socket between a client and its daemon that can be slow, and cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.hypervisor.daemon import NOBODY


class Proxy:
    """Passes everything on to the daemon's socket until it is cut, and again once it is mended."""

    def __init__(self, path: Path, target: Path) -> None:
        self.delay = 0.0
        """Seconds that each piece takes on its way, in either direction."""
        self._path = path
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def uri(self) -> str:
        return f"qemu+unix:///session?socket={self._path}"

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        os.chown(self._path, NOBODY, NOBODY)  # As the daemon's own: it tells who runs the daemon.

    async def cut(self) -> None:
        """End every connection, and take no new ones."""
        assert self._server is not None
        self._server.close()
        self._path.unlink(missing_ok=True)
        for writer in list(self._open):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._open.add(writer)
        with contextlib.suppress(OSError):
            try:
                back, forth = await asyncio.open_unix_connection(self._target)
            except OSError:  # No daemon is there. A client that is shown the door before it has spoken loses memory.
                await reader.read(1)
                raise
            if not writer.is_closing():
                self._open.add(forth)
                with contextlib.suppress(OSError):
                    await asyncio.gather(self._pass(reader, forth), self._pass(back, writer))
            forth.close()
            self._open.discard(forth)
        writer.close()
        self._open.discard(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            await asyncio.sleep(self.delay)
            writer.write(data)
            await writer.drain()
        writer.close()
