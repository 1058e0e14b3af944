"""The running product on one bus, stand-ins of shops' own APIs that it may ask, and sellers who use it by HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.api import Api
from deploy.demo.draining import on_the_way
from deploy.local.local_tokens import MERCHANT_SCOPES
from deploy.local.ports import HOST
from deploy.local.stack import Stack
from tests.asking import client_of, done, eventually, items
from tests.chaos.arena import new_stack
from tests.e2e.platform_rows import ROWS
from tests.e2e.rows import Row
from tests.services.order_ingest.stores.serving import serving

_EFFECTIVE: Final = "2019-01-01T00:00:00Z"
_SETTLED_SECONDS: Final = 45.0


@dataclass(frozen=True, slots=True)
class Seller:
    """One merchant's clients of the four services, by name."""

    merchant_id: UUID
    clients: Mapping[str, httpx.AsyncClient]

    @property
    def ingest(self) -> httpx.AsyncClient:
        return self.clients["order_ingest"]

    async def get(self, service: str, path: str, **query: Any) -> dict[str, Any] | None:
        """What is shown there; None while there is nothing."""
        answer = await self.clients[service].get(path, params=query)
        if answer.status_code == 404:
            return None
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@dataclass(frozen=True, slots=True)
class Market:
    """A stack, the rows of platforms made for it, and where their stand-ins listen."""

    stack: Stack
    rows: Mapping[str, Row]
    origins: Mapping[str, str]

    @asynccontextmanager
    async def seller(self, currency: str) -> AsyncIterator[Seller]:
        """A new merchant whose programme counts orders of whatever age."""
        async with AsyncExitStack() as exits:
            platform = await exits.enter_async_context(client_of(self.stack.urls["order_ingest"], self.stack.token()))
            wanted = {"name": "Acme", "currency": currency, "time_zone": "UTC"}
            merchant_id = UUID((await done(platform.post("/v1/merchants", json=wanted)))["merchant_id"])
            token = self.stack.token(merchant=merchant_id, scopes=MERCHANT_SCOPES)
            clients = {
                service: await exits.enter_async_context(client_of(url, token))
                for service, url in self.stack.urls.items()
            }
            await _programme(clients["loyalty"])
            yield Seller(merchant_id, clients)

    async def refusals(self, platform: str) -> float:
        """How many deliveries of the platform were refused for their signature, as order-ingest counts them."""
        async with client_of(self.stack.urls["order_ingest"]) as nobody:
            answer = (await nobody.get("/metrics")).raise_for_status()
        labels = {"platform": platform, "status": "401", "reason": "signature"}
        return sum(
            sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == "hook_answers_total" and sample.labels == labels
        )

    async def drained(self) -> None:
        """Every fact was told and read by every service, twice in a row."""
        async with AsyncExitStack() as exits:
            ops = {
                service: await exits.enter_async_context(Api(url, self.stack.token()))
                for service, url in self.stack.urls.items()
            }
            quiet = 0
            async with asyncio.timeout(_SETTLED_SECONDS):
                while quiet < 2:
                    quiet = 0 if await on_the_way(ops) else quiet + 1
                    await asyncio.sleep(0.2)


@asynccontextmanager
async def opened_market(bus: str) -> AsyncIterator[Market]:
    """A new stack on that bus, which may ask the rows' shops and nobody else on this machine."""
    async with AsyncExitStack() as exits:
        rows = {platform: make(datetime.now(UTC)) for platform, make in ROWS.items()}
        shops = {platform: row.shop for platform, row in rows.items() if row.shop is not None}
        ports = {platform: await exits.enter_async_context(serving(app)) for platform, app in shops.items()}
        trusted = ",".join(f"{HOST}:{port}" for port in ports.values())
        stack = await exits.enter_async_context(new_stack(bus, settings={"OUTBOUND_TRUSTED": trusted}))
        yield Market(stack, rows, {platform: f"http://{HOST}:{port}" for platform, port in ports.items()})


async def settled(look: Callable[[], Awaitable[Any]], expected: Any) -> Any:
    """The first look that finds what is expected; the last one if none does for too long."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        found = await look()
        if found == expected or loop.time() - began > _SETTLED_SECONDS:
            return found
        await asyncio.sleep(0.2)


async def _programme(loyalty: httpx.AsyncClient) -> None:
    programmes = await eventually(lambda: items(loyalty, "/v1/programmes"), "the programme")
    versions = f"/v1/programmes/{programmes[0]['programme_id']}/versions"
    draft = await done(loyalty.post(versions, json={"effective_at": _EFFECTIVE}))
    await done(loyalty.post(f"{versions}/{draft['number']}/publication"))
