"""Connections end that send their heads slowly or without end, and those that go on after their answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from libs.servicekit.connections import BoundedProtocol

_WITHIN_SECONDS = 5.0
_WHOLE = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}"


class _Hasty(BoundedProtocol):
    head_seconds = 0.3
    linger_seconds = 0.3


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body to its end, except under /refused."""
    while scope["path"] != "/refused" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class _Caller:
    """The client's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *parts: bytes, pause: float = 0.0) -> None:
        """The parts leave one after the other, unless the other end is gone."""
        for part in parts:
            self.writer.write(part)
            await asyncio.sleep(pause)

    async def answers(self) -> bytes:
        """Everything that comes until the server ends the connection."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await self.reader.read()

    async def answer(self) -> bytes:
        """One answer, with its body."""
        async with asyncio.timeout(_WITHIN_SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n") + await self.reader.readexactly(2)


@pytest.fixture(scope="module")
async def port() -> AsyncIterator[int]:
    """Where the server listens."""
    config = uvicorn.Config(_app, port=0, http=_Hasty, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(_WITHIN_SECONDS):
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@asynccontextmanager
async def _calling(port: int) -> AsyncIterator[_Caller]:
    caller = _Caller(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield caller
    finally:
        caller.writer.close()


async def test_who_says_nothing_is_left(port: int) -> None:
    async with _calling(port) as caller:
        assert await caller.answers() == b""


async def test_a_head_that_comes_slowly_is_answered_408(port: int) -> None:
    async with _calling(port) as caller:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await caller.send(*(bytes([byte]) for byte in b"POST "), pause=0.05)

        assert (await caller.answers()).startswith(b"HTTP/1.1 408 ")
        # No byte of it has bought any time: the last came after 0.2 seconds.
        assert loop.time() - began < 0.45


async def test_the_next_requests_head_may_not_come_slowly_either(port: int) -> None:
    async with _calling(port) as caller:
        await caller.send(_WHOLE)
        first = await caller.answer()
        await caller.send(b"GET / HT")

        assert first.startswith(b"HTTP/1.1 200 ")
        assert (await caller.answers()).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_may_be_used_for_longer_than_a_head_may_take(port: int) -> None:
    async with _calling(port) as caller:
        answers = []
        for _ in range(4):
            await caller.send(_WHOLE)
            answers.append((await caller.answer())[:13])
            await asyncio.sleep(0.15)

    assert answers == [b"HTTP/1.1 200 "] * 4


async def test_a_body_may_take_longer_than_a_head(port: int) -> None:
    async with _calling(port) as caller:
        await caller.send(_WHOLE[:-2], b"{", b"}", pause=0.4)

        assert (await caller.answer()).startswith(b"HTTP/1.1 200 ")


async def test_a_head_without_end_is_answered_431(port: int) -> None:
    async with _calling(port) as caller:
        await caller.send(b"GET / HTTP/1.1\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"a" * 1000) for n in range(66)))

        assert (await caller.answers()).startswith(b"HTTP/1.1 431 ")


async def test_who_goes_on_after_the_answer_is_cut_off(port: int) -> None:
    async with _calling(port) as caller:
        await caller.send(b"POST /refused HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n")
        answer = await caller.answer()
        await caller.send(*[b"x"] * 4, pause=0.05)

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert await caller.answers() == b""


async def test_of_what_comes_after_the_answer_little_is_read(port: int) -> None:
    async with _calling(port) as caller:
        await caller.send(b"POST /refused HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n")
        answer = await caller.answer()
        taken = 0
        with contextlib.suppress(ConnectionError):
            while taken < 1_000_000_000:
                await caller.send(b"x" * 65_536)
                await caller.writer.drain()
                taken += 65_536

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert taken < 32 << 20


async def test_a_body_that_ends_after_the_answer_leaves_the_connection_usable(port: int) -> None:
    async with _calling(port) as caller:
        await caller.send(_WHOLE.replace(b"/", b"/refused", 1)[:-2])
        first = await caller.answer()
        await caller.send(b"{}", pause=0.4)
        await caller.send(_WHOLE)

        assert first.startswith(b"HTTP/1.1 200 ")
        assert (await caller.answer()).startswith(b"HTTP/1.1 200 ")
