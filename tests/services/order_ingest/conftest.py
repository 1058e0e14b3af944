"""The service on a database of its own: the real application with its hook path, the real normaliser and imports."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from deploy.local.databases import ServiceUrls
from libs.contracts.fact import Fact
from libs.contracts.registry import fact_class
from libs.servicekit.auth import mint_token, public_jwks
from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.health import Health
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.kit import open_kit
from libs.servicekit.rate_limit import Buckets
from libs.servicekit.sealing import Sealer, Vault
from libs.servicekit.timers import TimerLoop
from services.order_ingest.adapters.addresses import LibraryAddresses
from services.order_ingest.adapters.hook_refusals import HookRefusals
from services.order_ingest.adapters.hook_stores import HookStores
from services.order_ingest.adapters.import_runner import KIND, ImportRunner
from services.order_ingest.adapters.intake import Intake
from services.order_ingest.adapters.intake_log import IntakeLog
from services.order_ingest.application.read_entry import Reader
from services.order_ingest.bootstrap import application, prepare
from services.order_ingest.entrypoints.normaliser import Normaliser
from services.order_ingest.entrypoints.webhooks import Hooks
from services.order_ingest.settings import Settings
from services.order_ingest.worker_tasks import privacy_timers
from tests.services.order_ingest import bodies
from tests.throwaway import Databases

ISSUER, AUDIENCE = "https://issuer.example", "huitou-order-ingest"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SEAL_KEY = Fernet.generate_key().decode()
SEALER = Sealer([SEAL_KEY], b"match-key-of-the-tests")
VAULT = Vault([bytes(32)])
ALL_SCOPES = (
    "stores:*",
    "orders:*",
    "customers:*",
    "deliveries:*",
    "imports:*",
    "products:*",
    "fx_rates:*",
    "jobs:*",
    "privacy_requests:*",
)


async def _keys() -> Mapping[str, Any]:
    return public_jwks(KEY)


@dataclass(frozen=True)
class Shop:
    """A connected store and the way to its hook."""

    store_id: UUID
    merchant_id: UUID
    platform: str
    path: str


@dataclass
class House:
    """Everything that a test drives; the clock stands still at the real time of the run's start."""

    urls: ServiceUrls
    clock: ManualClock
    worker: Database
    client: httpx.AsyncClient
    hooks: Hooks
    stores: HookStores
    refusals: HookRefusals
    intake: Intake
    normaliser: Normaliser
    imports: ImportRunner
    held_back: list[bool] = field(default_factory=list)
    _sent: int = 0

    def bearer(self, *scopes: str, merchant_id: UUID | None = None) -> dict[str, str]:
        token = mint_token(
            KEY,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject="ada",
            scopes=scopes,
            merchant_id=merchant_id,
            now=self.clock.now(),
        )
        return {"Authorization": f"Bearer {token}"}

    async def merchant(self, name: str = "Acme") -> UUID:
        """A registered merchant."""
        body = {"name": name, "currency": "USD", "time_zone": "America/New_York"}
        answer = await self.client.post("/v1/merchants", json=body, headers=self.bearer("platform"))
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["merchant_id"])

    async def shop(self, platform: str = "shopify", *, merchant_id: UUID | None = None, **changes: Any) -> Shop:
        """A connected store."""
        merchant_id = merchant_id or await self.merchant()
        body = {
            "platform": platform,
            "account": "690933842",
            "domain": bodies.DOMAIN if platform == "shopify" else None,
            "currency": "USD",
            "time_zone": "America/New_York",
            "locale": "en-US",
            "secret": bodies.SECRET if platform == "shopify" else bodies.WHSEC,
            **changes,
        }
        headers = self.bearer("stores:write", merchant_id=merchant_id)
        answer = await self.client.post("/v1/stores", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        shown = answer.json()
        path = httpx.URL(shown["hook_url"] or "").path
        return Shop(UUID(shown["store_id"]), merchant_id, platform, path)

    async def deliver(
        self, shop: Shop, topic: str, body: Mapping[str, Any] | bytes, *, webhook_id: str | None = None, **changes: str
    ) -> httpx.Response:
        """A genuine Shopify delivery; its answer."""
        raw = body if isinstance(body, bytes) else bodies.encoded(body)
        self._sent += 1
        headers = bodies.shopify_headers(raw, topic=topic, webhook_id=webhook_id or f"w-{self._sent}", **changes)
        return await self.client.post(shop.path, content=raw, headers=headers)

    async def send(self, shop: Shop, kind: str, content: Mapping[str, Any], **changes: Any) -> httpx.Response:
        """A genuine Standard Webhooks delivery of our canonical JSON; its answer."""
        self._sent += 1
        now = self.clock.now()
        body = bodies.encoded({"type": kind, "timestamp": now.isoformat(), "data": content})
        named = {"message_id": f"msg_{self._sent}", "timestamp": int(now.timestamp()), **changes}
        return await self.client.post(shop.path, content=body, headers=bodies.standard_headers(body, **named))

    async def get(self, shop: Shop, path: str, **query: Any) -> Any:
        headers = self.bearer(*ALL_SCOPES, merchant_id=shop.merchant_id)
        answer = await self.client.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def upload(self, shop: Shop, content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
        all_headers = {**self.bearer("imports:write", merchant_id=shop.merchant_id), **headers}
        return await self.client.post(
            "/v1/imports", params={"store_id": str(shop.store_id)}, content=content, headers=all_headers
        )

    async def post(self, shop: Shop, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What was accepted."""
        headers = self.bearer(*ALL_SCOPES, merchant_id=shop.merchant_id)
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    async def by_the_clock(self) -> None:
        """Everything that requests about privacy left to the clock is done."""
        timers = TimerLoop(self.worker, privacy_timers(VAULT, SEALER), self.clock)
        while await timers.run_due():
            self.clock.advance(timedelta(seconds=1))

    def job_runner(self) -> JobRunner:
        return JobRunner(self.worker, {KIND: self.imports.run}, self.clock)

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """What the worker's role sees."""
        async with self.worker.read() as uow:
            return [dict(row._mapping) for row in await uow.connection.execute(text(statement), values)]

    async def facts(self, *kinds: str) -> list[Fact]:
        """Facts in the outbox, in the order in which their lanes hold them; those of `kinds` if any are named."""
        rows = await self.rows("SELECT type, payload FROM outbox ORDER BY lane, seq")
        return [
            fact_class(row["type"]).from_bytes(row["payload"])
            for row in rows
            if not kinds or row["type"].removesuffix(".v1") in kinds
        ]

    async def told(self) -> list[str]:
        """The types of all facts about orders and customers."""
        rows = await self.rows("SELECT type FROM outbox WHERE type !~ '^(merchant|store)' ORDER BY lane, seq")
        return [row["type"].removesuffix(".v1") for row in rows]


def settings_of(urls: ServiceUrls) -> Settings:
    """What the service is told that runs on those databases."""
    return Settings(
        database_api_url=urls.api,
        database_worker_url=urls.worker,
        database_intake_url=urls.intake or "",
        bus_url="",
        auth_issuer=ISSUER,
        auth_jwks="unused",
        seal_keys=SEAL_KEY,
        match_key="bWF0Y2gta2V5LW9mLXRoZS10ZXN0cw==",
        vault_keys="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        public_url="http://test",
    )


async def _never(_: int) -> bool:
    return False


@pytest.fixture
async def house(databases: Databases) -> AsyncIterator[House]:
    """The running service, empty."""
    async with _opened(await databases.fresh("order_ingest")) as house:
        yield house


@pytest.fixture(scope="module")
async def shared_house(databases: Databases) -> AsyncIterator[House]:
    """One running service for the tests of a module that leave nothing behind."""
    async with _opened(await databases.fresh("order_ingest")) as house:
        yield house


@asynccontextmanager
async def _opened(urls: ServiceUrls) -> AsyncIterator[House]:
    clock = ManualClock(datetime.now(UTC))
    settings = settings_of(urls)
    reader = Reader(LibraryAddresses(), Sealer(settings.seal_key_ring, settings.match_key_bytes))
    async with AsyncExitStack() as opened:
        worker, api, intake_reads = [
            Database(engine, source="order-ingest", clock=clock)
            for engine in (
                create_engine(urls.worker, "worker", pool_size=3),
                create_engine(urls.api, "api", pool_size=3),
                create_engine(urls.intake or "", "intake", pool_size=3),
            )
        ]
        for database in (worker, api, intake_reads):
            opened.push_async_callback(database.close)
        await prepare(worker, clock)
        intake = Intake(settings.database_intake_url, VAULT, clock, most_waiting=4096, most_bytes=64 << 20)
        await opened.enter_async_context(Running(intake))
        stores = HookStores(intake_reads, VAULT, clock)
        buckets = Buckets(per_second=1e6, burst=1_000_000)
        refusals = HookRefusals(intake_reads, clock)
        hooks = Hooks(stores, intake, clock, refusals=refusals, per_endpoint=buckets, per_address=buckets)
        kit = open_kit("order-ingest", settings, clock=clock, database=api, health=Health(), keys=_keys)
        app = application(kit, settings, hooks)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
        opened.push_async_callback(client.aclose)
        yield House(
            urls=urls,
            clock=clock,
            worker=worker,
            client=client,
            hooks=hooks,
            stores=stores,
            refusals=refusals,
            intake=intake,
            normaliser=Normaliser(IntakeLog(worker, VAULT, clock), reader),
            imports=ImportRunner(worker, VAULT, reader, clock, _never),
        )


class Running:
    """The intake's flushers, for as long as the block lasts."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._stop = asyncio.Event()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._intake.run(self._stop))

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await self._task


Lines = Sequence[Mapping[str, Any]]


def json_lines(orders: Lines) -> bytes:
    """A file for an import."""
    return b"".join(bodies.encoded(each) + b"\n" for each in orders)
