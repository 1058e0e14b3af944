"""A loopback TCP proxy that can be told to misbehave, while connections run through it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

from deploy.local.ports import HOST

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)  # linger for no time: close() sends RST


class Mode(Enum):
    """What happens to bytes, and to who connects."""

    PASS = "pass"
    CUT = "cut"
    """Running connections are reset, new ones too."""
    HALF_OPEN = "half-open"
    """Everything is accepted and swallowed, nothing is ever closed. Connections that went through this stay deaf."""
    DELAY = "delay"
    """Every piece waits `delay_seconds`."""
    DRIP = "slow drip"
    """`drip_bytes` come through every hundredth of a second."""


@dataclass(slots=True, eq=False)
class _Link:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    deaf: bool = False

    def reset(self) -> None:
        for writer in (self.client, self.server):
            if writer is not None and not writer.transport.is_closing():
                own: socket.socket = writer.get_extra_info("socket")
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()


@dataclass(slots=True)
class Proxy:
    """Passes connections on to the first of `targets` (loopback ports) that takes them."""

    targets: Sequence[int]
    delay_seconds: float = 0.2
    drip_bytes: int = 20
    port: int = 0
    cut: int = 0
    """Connections that were reset, or refused by a reset."""
    swallowed: int = 0
    """Bytes that arrived here and went nowhere."""
    hindered: int = 0
    """Pieces that were delayed or dripped."""
    mode: Mode = Mode.PASS
    _links: set[_Link] = field(default_factory=set)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    def switch(self, mode: Mode) -> None:
        """The mode holds for all connections, also those that run."""
        self.mode = mode
        for link in list(self._links):
            if mode is Mode.CUT:
                self.cut += 1
                link.reset()
            elif mode is Mode.HALF_OPEN:
                link.deaf = True

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The connection is served by a task of ours: one that asyncio made could not be ended with the proxy."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def close(self) -> None:
        """Every connection is cut."""
        self.switch(Mode.CUT)
        for task in (serving := list(self._serving)):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer, deaf=self.mode is Mode.HALF_OPEN)
        self._links.add(link)
        try:
            if self.mode is Mode.CUT:
                self.cut += 1
            elif link.deaf:
                await self._pump(link, reader, writer)
            else:
                back, link.server = await self._connected()
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(link, reader, link.server))
                    both.create_task(self._pump(link, back, writer))
        except (OSError, ExceptionGroup):
            pass  # either side went away: so does the other
        finally:
            link.reset()
            self._links.discard(link)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for port in self.targets:
            try:
                return await asyncio.open_connection(HOST, port)
            except OSError:
                continue
        raise ConnectionRefusedError(f"nobody listens on {list(self.targets)}")

    async def _pump(self, link: _Link, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            for piece in self._pieces(data):
                await self._hinder()
                if link.deaf:
                    self.swallowed += len(piece)
                    continue
                target.write(piece)
                await target.drain()
        if link.deaf:
            await asyncio.Event().wait()  # the end of one side is swallowed too: the other never hears of it
        if target.can_write_eof() and not target.transport.is_closing():
            target.write_eof()

    def _pieces(self, data: bytes) -> list[bytes]:
        size = self.drip_bytes if self.mode is Mode.DRIP else len(data)
        return [data[start : start + size] for start in range(0, len(data), size)]

    async def _hinder(self) -> None:
        pause = {Mode.DELAY: self.delay_seconds, Mode.DRIP: 0.01}.get(self.mode)
        if pause is not None:
            self.hindered += 1
            await asyncio.sleep(pause)


@asynccontextmanager
async def proxied(*targets: int, port: int = 0) -> AsyncIterator[Proxy]:
    """A proxy listens on a free loopback port (or on `port`) until the block ends; then every connection is cut."""
    proxy = Proxy(targets)
    server = await asyncio.start_server(proxy.accept, HOST, port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()


def through(proxy: Proxy, url: str) -> str:
    """The URL with the proxy in the server's place."""
    parts = urlsplit(url)
    sign_in, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{sign_in}{at}{HOST}:{proxy.port}").geturl()
