"""Calls to addresses that merchants name: over TLS and to public hosts only, whatever a name resolves to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, TypeAlias

import httpcore
import httpx

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 10.0
TLS_PORTS: Final = frozenset({443, 8443})
_TUNNELS: Final = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""Addresses of IPv6 that lead to one of IPv4 inside them, which `is_global` does not look at."""

Origin: TypeAlias = tuple[str, int]
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]


def is_public(address: str) -> bool:
    """True for an address of the open internet; a zone makes it local."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return _is_open(found.ipv4_mapped)
        return _is_open(found) and not any(found in tunnel for tunnel in _TUNNELS)
    return _is_open(found)


def _is_open(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the machine finds for a name now."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class _PublicOnly(httpcore.AsyncNetworkBackend):
    """Resolves once, looks at every address, and connects to one of those that it looked at."""

    def __init__(self, trusted: Collection[Origin], resolve: Resolve, ports: Collection[int]) -> None:
        self._inner = httpcore.AnyIOBackend()
        self._ports = ports
        self._trusted = trusted
        self._resolve = resolve

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolved(host, port)
        if (host, port) not in self._trusted:
            self._refuse_private(addresses, port)
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

    def _refuse_private(self, addresses: Collection[str], port: int) -> None:
        if port not in self._ports or not all(map(is_public, addresses)):
            raise httpcore.ConnectError("not a public address, or not a port for shops")

    async def _resolved(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise httpcore.ConnectError(f"the name does not resolve ({type(error).__name__})") from error
        if not addresses:
            raise httpcore.ConnectError("the name has no address")
        return addresses


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Carries requests to public hosts over TLS; `trusted` hosts may be anywhere and speak plain HTTP."""

    def __init__(
        self,
        trusted: Collection[Origin] = (),
        *,
        resolve: Resolve = system_resolve,
        ports: Collection[int] = TLS_PORTS,
    ) -> None:
        super().__init__(trust_env=False)
        self._trusted = frozenset(trusted)
        # httpx has no parameter for what resolves and connects; its pool is httpcore's, which has.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=32,
            keepalive_expiry=5.0,
            network_backend=_PublicOnly(self._trusted, resolve, ports),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        if url.scheme != "https" and (url.host, url.port or 80) not in self._trusted:
            raise httpx.UnsupportedProtocol("only https", request=request)
        if url.userinfo:
            raise httpx.UnsupportedProtocol("no user in an address", request=request)
        return await super().handle_async_request(request)


def outbound_client(trusted: Collection[Origin] = ()) -> httpx.AsyncClient:
    """A client for addresses that merchants name: no redirects, no proxies of the environment, bounded in time."""
    return httpx.AsyncClient(
        transport=GuardedTransport(trusted),
        timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "huitou-order-ingest/1"},
    )
