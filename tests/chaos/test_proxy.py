"""The fault proxy does to a connection what it says: a fault run is worth no more than its faults."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deploy.local.ports import HOST
from tests.chaos.proxy import Mode, Proxy, proxied

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[Proxy], Awaitable[Streams]]


class Echo(asyncio.Protocol):
    """Sends back what it gets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


@pytest.fixture
async def echoing() -> AsyncIterator[int]:
    """The port of an echoing server."""
    server = await asyncio.get_running_loop().create_server(Echo, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy(echoing: int) -> AsyncIterator[Proxy]:
    async with proxied(echoing) as made:
        yield made


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens connections that end with the test."""
    opened: list[Streams] = []

    async def connected(proxy: Proxy) -> Streams:
        opened.append(await asyncio.open_connection(HOST, proxy.port))
        return opened[-1]

    yield connected
    for _, writer in opened:
        writer.transport.abort()


async def echo_of(streams: Streams, text: bytes) -> bytes:
    streams[1].write(text)
    return await asyncio.wait_for(streams[0].readexactly(len(text)), 5)


async def test_bytes_pass_and_an_end_is_passed_on(proxy: Proxy, connect: Connect) -> None:
    streams = await connect(proxy)

    assert await echo_of(streams, b"hello" * 1000) == b"hello" * 1000
    streams[1].write_eof()
    assert await streams[0].read() == b""


async def test_a_cut_resets_running_and_new_connections_until_it_is_over(proxy: Proxy, connect: Connect) -> None:
    running = await connect(proxy)
    await echo_of(running, b"1")

    proxy.switch(Mode.CUT)
    with pytest.raises(ConnectionResetError):
        await running[0].readexactly(1)
    refused = await connect(proxy)
    with pytest.raises(ConnectionResetError):
        await refused[0].readexactly(1)
    proxy.switch(Mode.PASS)

    assert await echo_of(await connect(proxy), b"2") == b"2"
    assert proxy.cut == 2


async def test_half_open_swallows_without_an_end_and_such_a_connection_stays_deaf(
    proxy: Proxy, connect: Connect
) -> None:
    before = await connect(proxy)
    await echo_of(before, b"1")

    proxy.switch(Mode.HALF_OPEN)
    during = await connect(proxy)
    for _, writer in (before, during):
        writer.write(b"lost")
    while proxy.swallowed < 8:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    proxy.switch(Mode.PASS)

    assert await echo_of(await connect(proxy), b"2") == b"2"
    for reader, writer in (before, during):
        writer.write(b"still lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)


async def test_delay_holds_every_piece_back(proxy: Proxy, connect: Connect) -> None:
    streams, loop = await connect(proxy), asyncio.get_running_loop()
    proxy.delay_seconds = 0.1
    proxy.switch(Mode.DELAY)

    began = loop.time()
    assert await echo_of(streams, b"x") == b"x"

    assert loop.time() - began >= 2 * proxy.delay_seconds  # there and back
    assert proxy.hindered == 2


async def test_slow_drip_lets_all_through_in_small_pieces(proxy: Proxy, connect: Connect) -> None:
    streams = await connect(proxy)
    proxy.switch(Mode.DRIP)

    assert await echo_of(streams, b"x" * 100) == b"x" * 100

    assert proxy.hindered >= 2 * (100 // proxy.drip_bytes)


async def test_the_first_target_that_listens_takes_the_connection(echoing: int, connect: Connect) -> None:
    async with proxied(echoing) as gone:
        nobody = gone.port
    async with proxied(nobody, echoing) as proxy:
        assert await echo_of(await connect(proxy), b"1") == b"1"
