"""A7: no address that a merchant may name leads to this machine, its network, or a server that redirects there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import httpx
import pytest

from services.order_ingest.adapters.outbound import GuardedTransport, is_public, system_resolve

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:53aa:64c:0:0:0:1",
    "2001:db8::1", "100::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"]
SPELLINGS = [
    "https://127.0.0.1", "https://localhost", "https://127.1", "https://2130706433", "https://0x7f000001",
    "https://0177.0.0.1", "https://0", "https://[::1]", "https://[::ffff:127.0.0.1]", "https://[64:ff9b::7f00:1]",
    "https://[2002:7f00:1::]",
]  # fmt: skip


@dataclass
class Trap:
    """A server on this machine that nobody may reach."""

    port: int = 0
    knocks: list[object] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks.append(writer.get_extra_info("peername"))
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
async def trap() -> AsyncIterator[Trap]:
    trap = Trap()
    server = await asyncio.start_server(trap.answer, "127.0.0.1", 0)
    trap.port = server.sockets[0].getsockname()[1]
    async with server:
        yield trap


def _client(*trusted: tuple[str, int], port: int = 443, addresses: Sequence[str] = ()) -> httpx.AsyncClient:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    resolving = resolve if addresses else system_resolve
    transport = GuardedTransport(trusted, resolve=resolving, ports={port})
    return httpx.AsyncClient(transport=transport, timeout=5, trust_env=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_open_internet_is_none_to_go_to(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("origin", SPELLINGS)
async def test_no_spelling_of_this_machine_is_reached(trap: Trap, origin: str) -> None:
    async with _client(port=trap.port) as client:
        with pytest.raises((httpx.TransportError, httpx.InvalidURL)):
            await client.get(f"{origin}:{trap.port}/")

    assert trap.knocks == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["127.0.0.1", "1.1.1.1"], ["::ffff:127.0.0.1"], ["not an address"]]
)
async def test_a_name_that_resolves_to_this_machine_is_not_reached_even_beside_a_public_address(
    trap: Trap, addresses: list[str]
) -> None:
    async with _client(port=trap.port, addresses=addresses) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"https://shop.example:{trap.port}/")

    assert trap.knocks == []


async def test_a_name_is_resolved_once_and_only_what_was_looked_at_is_connected_to(trap: Trap) -> None:
    asked: list[str] = []

    async def changing_its_mind(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["198.51.100.7"] if len(asked) == 1 else ["127.0.0.1"]

    transport = GuardedTransport(resolve=changing_its_mind, ports={trap.port})
    async with httpx.AsyncClient(transport=transport, timeout=2) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"https://shop.example:{trap.port}/")

    assert (asked, trap.knocks) == (["shop.example"], [])


async def test_plain_http_a_user_and_other_ports_are_refused_before_anything_is_connected(trap: Trap) -> None:
    async with _client(addresses=["1.1.1.1"]) as client:
        for url in ("http://shop.example/", "https://user:word@shop.example/", "https://shop.example:22/"):
            with pytest.raises(httpx.TransportError):
                await client.get(url)


async def test_only_a_trusted_host_and_port_is_reached_here_and_its_redirect_is_not_followed(trap: Trap) -> None:
    async with _client(("127.0.0.1", trap.port)) as client:
        answer = await client.get(f"http://127.0.0.1:{trap.port}/")
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://localhost:{trap.port}/")

    assert (answer.status_code, len(trap.knocks)) == (302, 1)
