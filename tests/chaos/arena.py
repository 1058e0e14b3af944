"""A running stack with one merchant and one store in it: what every run starts from."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from deploy.demo.api import Api, DemoFailed
from deploy.demo.draining import on_the_way
from deploy.kafka.cluster import kafka_cluster
from deploy.local.kafka_folder import Detour
from deploy.local.local_tokens import MERCHANT_SCOPES
from deploy.local.ports import HOST, lasting_ports
from deploy.local.stack import Stack
from libs.eventbus.topics import KAFKA_TOPICS
from tests.chaos.buses import BusFaults, PostgresFaults
from tests.chaos.kafka_faults import KafkaFaults
from tests.chaos.proxy import proxied
from tests.chaos.sender import Hook
from tests.chaos.shop import Order

_EFFECTIVE = "2025-12-01T00:00:00Z"
_GENEROUS = {"HOOK_BURST": "1000000", "REQUESTS_PER_SECOND": "10000", "REQUESTS_BURST": "100000"}
BUSES = ("postgres", "kafka")


@dataclass(slots=True)
class Arena:
    """Addresses of everything in the stack, for faults and for the checker; several runs may share it."""

    stack: Stack
    bus: BusFaults
    merchant_id: UUID
    store_id: UUID
    hook: Hook
    apis: Mapping[str, Api]
    ops: Mapping[str, Api]
    books: dict[str, Order] = field(default_factory=dict)
    """The orders of every shop that has sold here so far."""
    told_once: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    """Lane and sequence of each fact that a restored source forgot: where it says one again, the effect is the first's.
    """

    @property
    def workers(self) -> list[str]:
        """The supervisor's names of the four workers."""
        return [f"{service.replace('_', '-')}-worker" for service in self.stack.urls]

    @asynccontextmanager
    async def admin(self, database: str) -> AsyncIterator[Any]:
        """A superuser's connection (asyncpg) to one of the databases."""
        address = urlsplit(self.stack.admin_url)._replace(path=f"/{database}").geturl()
        connection = await asyncpg.connect(address, timeout=10)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    async def left(self) -> int:
        """What is still on its way between the hook and a settled message."""
        if on_bus := await on_the_way(self.ops):  # the rest takes the services more to count: they have work to do
            return on_bus
        deliveries = (await self.apis["order_ingest"].get("/v1/orders/summary"))["deliveries_waiting"]
        messages = (await self.apis["messaging"].get("/v1/messages/summary"))["open"]
        return int(deliveries) + int(messages)

    async def drain(self, *, within_seconds: float) -> float:
        """Nothing is on its way; how many seconds that took.

        Raises:
            TimeoutError: something still was.
        """
        loop = asyncio.get_running_loop()
        began, quiet, left = loop.time(), 0, -1
        while quiet < 2:
            if loop.time() - began > within_seconds:
                where = await self._where()
                raise TimeoutError(f"{left} still on their way after {within_seconds:.0f} s: {where}")
            try:
                left = await self.left()
            except (DemoFailed, httpx.HTTPError) as broken:
                if "parked" in str(broken):
                    raise
                left = -1
            quiet = quiet + 1 if left == 0 else 0
            await asyncio.sleep(0.2)
        return loop.time() - began

    async def _where(self) -> str:
        """What each service has not told, and what it has not read, for whoever asks why nothing arrives."""
        found = []
        for service, api in self.ops.items():
            lag = await api.get("/v1/ops/lag")
            found += [f"{service} untold {each['topic']} {each['unpublished']}" for each in lag["telling"]]
            found += [f"{service} unread {each['topic']} {each['unread']}" for each in lag["reading"]]
        return ", ".join(each for each in found if not each.endswith(" 0"))

    async def ready(self, *, within_seconds: float) -> float:
        """Every API and worker says that it is ready; how many seconds that took."""
        loop = asyncio.get_running_loop()
        began, ports = loop.time(), self.stack.ports
        waiting = {*ports.apis.values(), *ports.workers.values()}
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while waiting:
                if loop.time() - began > within_seconds:
                    raise TimeoutError(f"not ready after {within_seconds:.0f} s: ports {sorted(waiting)}")
                for port in list(waiting):
                    if await _answers(client, port):
                        waiting.discard(port)
                await asyncio.sleep(0.05)
        return loop.time() - began


@asynccontextmanager
async def opened(bus: str, stack: Stack | None = None, *, brokers: int = 1) -> AsyncIterator[Arena]:
    """A new stack on free ports, with a merchant whose programme counts all of the shop's orders.

    On Kafka it stands on a cluster of so many brokers; a stack that is given brings its own bus, which has no faults.
    """
    async with AsyncExitStack() as exits:
        if bus == "kafka" and stack is None:
            kafka = await exits.enter_async_context(_cluster(brokers))
            started = await exits.enter_async_context(new_stack(bus, bus_url=kafka.url))
            yield await _settled(exits, started, kafka)
        else:
            started = await exits.enter_async_context(stack or new_stack(bus))
            yield await _settled(exits, started, PostgresFaults(started))


def new_stack(bus: str, **options: Any) -> Stack:  # Any: what Stack takes
    """A stack on that bus, not started, that does not slow its one busy caller down."""
    return Stack(bus=bus, settings={**_GENEROUS, **options.pop("settings", {})}, **options)


@asynccontextmanager
async def _cluster(brokers: int) -> AsyncIterator[KafkaFaults]:
    """A cluster with all topics, and a proxy that its first broker names as another way to it."""
    behind = lasting_ports(1)[0]
    async with (
        proxied(behind) as proxy,
        kafka_cluster(brokers, detour=Detour(port=behind, advertised=proxy.port)) as cluster,
    ):
        await cluster.create_topics(KAFKA_TOPICS)
        yield KafkaFaults(cluster, proxy)


async def _settled(exits: AsyncExitStack, stack: Stack, bus: BusFaults) -> Arena:
    urls = stack.urls
    platform = await exits.enter_async_context(Api(urls["order_ingest"], stack.token()))
    wanted = {"name": "Chaos", "currency": "EUR", "time_zone": "UTC"}
    merchant_id = UUID((await platform.post("/v1/merchants", wanted, key="m")).json()["merchant_id"])
    token = stack.token(merchant=merchant_id, scopes=MERCHANT_SCOPES)
    apis = {name: await exits.enter_async_context(Api(url, token)) for name, url in urls.items()}
    ops = {name: await exits.enter_async_context(Api(url, stack.token())) for name, url in urls.items()}
    store_id, hook = await _store(apis["order_ingest"])
    await _programme(apis["loyalty"])
    arena = Arena(stack, bus, merchant_id, store_id, hook, apis, ops)
    await _everybody_knows(arena)
    return arena


async def _store(ingest: Api) -> tuple[UUID, Hook]:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    wanted = {"platform": "standard", "account": "chaos", "currency": "EUR", "time_zone": "UTC", "secret": secret}
    store = (await ingest.post("/v1/stores", wanted, key="s")).json()
    path = urlsplit(store["hook_url"]).path
    return UUID(store["store_id"]), Hook(f"{ingest.address}{path}", secret)


async def _programme(loyalty: Api) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                programme = (await loyalty.get("/v1/programmes"))["items"][0]
                break
            except (DemoFailed, IndexError):
                await asyncio.sleep(0.1)
    path = f"/v1/programmes/{programme['programme_id']}/versions"
    draft = (await loyalty.post(path, {"effective_at": _EFFECTIVE}, key="v")).json()
    await loyalty.post(f"{path}/{draft['number']}/publication", {}, key="p")


async def _everybody_knows(arena: Arena) -> None:
    """The merchant has reached every service, so that nothing of the run depends on that race."""
    async with asyncio.timeout(60):
        for path, name in (("/v1/measures/summary", "segmentation"), ("/v1/templates", "messaging")):
            while True:
                try:
                    await arena.apis[name].get(path)
                    break
                except DemoFailed:
                    await asyncio.sleep(0.1)


async def _answers(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://{HOST}:{port}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False
