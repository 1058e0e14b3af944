"""The intake on its stand: order-ingest's API alone, and its peers, as processes on one PostgreSQL with fsync on."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from deploy.demo.api import Api
from deploy.local.folders import REPOSITORY
from deploy.local.local_tokens import MERCHANT_SCOPES
from deploy.local.ports import HOST, free_ports
from deploy.local.programs import child_environment, migration_program, service_program
from deploy.local.stack import Stack
from deploy.local.supervisor import Program
from tests.bench.figures import Sample
from tests.bench.load import Load, load
from tests.bench.meters import Meter
from tests.bench.shopify_bodies import DOMAIN, SECRET, Shop

GENEROUS: Final = {
    "HOOK_BURST": "10000000",
    "HOOK_REQUESTS_PER_SECOND": "1000000",
    "REQUESTS_PER_SECOND": "10000",
    "REQUESTS_BURST": "100000",
}
"""Nobody is told to slow down: a refusal costs less than what is measured."""
_CUSTOMERS: Final = 5_000
_CONNECTIONS: Final = 64


@dataclass(slots=True)
class Contestant:
    """A server that takes webhooks, and the process that it is."""

    name: str
    shop: Shop
    pid: int
    postmaster: int
    sent: int = 0

    async def saturated(self, seconds: float) -> Sample:
        """As fast as 64 connections bring them."""
        return await self._loaded(Load(shop=self.shop, first=self.sent, connections=_CONNECTIONS, seconds=seconds))

    async def paced(self, seconds: float, per_second: float) -> Sample:
        """At a fixed rate, each request due at its instant."""
        what = Load(shop=self.shop, first=self.sent, connections=_CONNECTIONS, seconds=seconds, per_second=per_second)
        return await self._loaded(what)

    async def filled(self, count: int) -> Sample:
        """So many as fast as they are taken."""
        return await self._loaded(Load(shop=self.shop, first=self.sent, connections=_CONNECTIONS, count=count))

    async def _loaded(self, what: Load) -> Sample:
        meter = Meter([self.pid], self.postmaster)
        with meter.running():
            report = await load(what)
        self.sent += report.answered
        meter.seconds = report.seconds
        return meter.sample(report.answered, p50_ms=report.p50_ms, p99_ms=report.p99_ms)


@dataclass(frozen=True, slots=True)
class Stand:
    """The contestants and what they stand on."""

    stack: Stack
    intake: Contestant
    validate_only: Contestant
    orm: Contestant


@asynccontextmanager
async def stand() -> AsyncIterator[Stand]:
    """All three servers are ready; they are idle, hence free, while another one is measured."""
    async with Stack(services=(), settings=GENEROUS) as stack:
        await _start_api(stack)
        path = await connected_store(stack)
        ports = list(free_ports().apis.values())
        peer_url = await _peer_database(stack)
        await stack.supervisor.start(
            [
                _peer("validate-only", "validate_only", ports[0], str(ports[0]), SECRET),
                _peer("orm-endpoint", "orm_endpoint", ports[1], str(ports[1]), peer_url, SECRET),
            ]
        )
        yield Stand(
            stack,
            _contestant(stack, "order-ingest-api", stack.ports.apis["order_ingest"], path),
            _contestant(stack, "validate-only", ports[0], "/orders"),
            _contestant(stack, "orm-endpoint", ports[1], "/orders"),
        )


def _contestant(stack: Stack, name: str, port: int, path: str) -> Contestant:
    pids = stack.supervisor.pids()
    return Contestant(name, Shop(HOST, port, path, _CUSTOMERS), pids[name], pids["postgres"])


async def _start_api(stack: Stack) -> None:
    service = "order_ingest"
    await stack.supervisor.run([migration_program(service, stack.environment(service, "migrate"))])
    port = stack.ports.apis[service]
    await stack.supervisor.start([service_program(service, "api", stack.environment(service, "api"), health_port=port)])


async def connected_store(stack: Stack, merchant_id: UUID | None = None) -> str:
    """A Shopify store is connected, of a new merchant if none is named; the path of its hook."""
    address = f"http://{HOST}:{stack.ports.apis['order_ingest']}"
    async with Api(address, stack.token()) as platform:
        if merchant_id is None:
            wanted = {"name": "Bench", "currency": "EUR", "time_zone": "UTC"}
            answer = await platform.post("/v1/merchants", wanted, key="bench")
            merchant_id = UUID(answer.json()["merchant_id"])
    async with Api(address, stack.token(merchant=merchant_id, scopes=MERCHANT_SCOPES)) as merchant:
        store = {
            "platform": "shopify",
            "account": "690933842",
            "domain": DOMAIN,
            "currency": "EUR",
            "time_zone": "America/New_York",
            "secret": SECRET,
        }
        answer = await merchant.post("/v1/stores", store, key="bench")
    return str(urlsplit(answer.json()["hook_url"]).path)


async def _peer_database(stack: Stack) -> str:
    """An empty database for the ORM endpoint; it connects as the superuser, which costs it nothing."""
    connection = await asyncpg.connect(stack.admin_url)
    try:
        await connection.execute("CREATE DATABASE peer")
    finally:
        await connection.close()
    return urlsplit(stack.admin_url)._replace(path="/peer").geturl()


def _peer(name: str, module: str, port: int, *arguments: str) -> Program:
    async def is_ready() -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            return False
        writer.close()
        return True

    command = (sys.executable, "-m", f"tests.bench.peers.{module}", *arguments)
    return Program(name=name, command=command, environment=child_environment({}), is_ready=is_ready, folder=REPOSITORY)
