"""The demo's HTTP client: it waits when asked to, sends again what broke off, and tells what else went wrong."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from deploy.demo.api import Api, DemoFailed

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"n": 1234}'
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0.01\r\nContent-Length: 0\r\n\r\n"
WRONG = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 7\r\n\r\nno such"
BROKEN_OFF = b""


@asynccontextmanager
async def answering(answers: Sequence[bytes]) -> AsyncIterator[Api]:
    """A server that gives one answer a connection, in this order."""
    left = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(left))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Api(f"http://127.0.0.1:{port}", "token") as api:
        yield api


async def test_it_waits_and_sends_again() -> None:
    async with answering([BUSY, TOO_MANY, BROKEN_OFF, OK]) as api:
        assert await api.get("/v1/anything", limit=3, cursor=None) == {"n": 1234}
        assert api.times_busy == 3


async def test_a_refusal_is_told_in_the_services_words() -> None:
    async with answering([WRONG]) as api:
        with pytest.raises(DemoFailed, match=r"GET .*/v1/anything answered 422: no such"):
            await api.get("/v1/anything")
