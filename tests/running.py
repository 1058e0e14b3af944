"""The whole product running once for all the tests that need it, with two merchants in it."""

import asyncio
import base64
import email
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from deploy.local.databases import SERVICES, Urls
from deploy.local.keys import Keys, load_keys
from deploy.local.local_tokens import ADMIN_SCOPES, MERCHANT_SCOPES, local_token
from deploy.local.stack import Stack
from libs.kernel.identifiers import derived_id
from tests.chaos.sender import Hook
from tests.chaos.shop import Delivery

T = TypeVar("T")

TOPIC: Final = "rehearsal"
"""A topic that nobody tells: its lanes and parked events can be skipped and discarded without any harm."""
PARKED_IN_RESERVE: Final = 12
_PATIENCE_SECONDS: Final = 120.0
_SETTINGS: Final = {"HOOK_BURST": "1000000", "REQUESTS_PER_SECOND": "10000", "REQUESTS_BURST": "100000"}
_LANE: Final = 63
_FIRST_SEQUENCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Tenant:
    """A merchant with a store, orders, a member, a message, an import, jobs and parked events."""

    merchant_id: UUID
    store_id: UUID
    hook: Hook
    ids: Mapping[str, Mapping[str, str]]
    """Of what is there, by service and by the path parameter that takes it."""
    parked: Mapping[str, list[str]]
    """Open parked events of each service that nobody needs: whoever changes one takes it from here."""
    email: str

    def id_of(self, service: str, parameter: str) -> str:
        """The id that `parameter` of the service's paths takes."""
        return self.ids[service][parameter]


@dataclass(frozen=True, slots=True)
class Running:
    """Addresses, keys and tenants of the running product."""

    urls: Mapping[str, str]
    databases: Urls
    admin_url: str
    secrets: Path
    ours: Tenant
    theirs: Tenant

    @property
    def keys(self) -> Keys:
        return load_keys(self.secrets)

    def token(self, tenant: Tenant | None, scopes: Iterable[str] | None = None) -> str:
        """A token of the tenant with all of a merchant's scopes and the operator's, or of the platform."""
        usual = (*MERCHANT_SCOPES, "ops:*") if tenant else ADMIN_SCOPES
        merchant = tenant.merchant_id if tenant else None
        return local_token(self.keys, merchant=merchant, scopes=usual if scopes is None else scopes)

    def client(self, service: str, token: str | None = None) -> httpx.AsyncClient:
        """An HTTP client of one service; without a token nobody in particular."""
        return client_of(self.urls[service], token)


def client_of(address: str, token: str | None = None) -> httpx.AsyncClient:
    """An HTTP client that goes straight to `address`, whatever proxies the environment names."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.AsyncClient(base_url=address, headers=headers, timeout=30, trust_env=False)


@asynccontextmanager
async def running_system() -> AsyncIterator[Running]:
    """A new stack on free ports with two tenants; it is gone with all its data when the block ends."""
    async with Stack(settings=_SETTINGS) as stack:
        ours, theirs = await asyncio.gather(_tenant(stack, "ours", 0), _tenant(stack, "theirs", 100))
        secrets_folder = stack.folders.secrets
        yield Running(stack.urls, stack.databases, stack.admin_url, secrets_folder, ours, theirs)


async def eventually(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    """The first thing that `look` finds.

    Raises:
        TimeoutError: nothing within two minutes.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"never came: {what}")
        await asyncio.sleep(0.1)
    return found


def order_document(name: str, number: int, *, placed_at: datetime) -> dict[str, Any]:
    """A paid order with a discount, partly refunded, as our own hook and imports take it."""
    refund = {"line_id": "1", "quantity": 1, "amount_minor": 1000, "tax_minor": 0}
    return {
        "id": f"{name}-{number}",
        "number": f"#{number}",
        "updated_at": _text(placed_at + timedelta(hours=1)),
        "placed_at": _text(placed_at),
        "paid_at": _text(placed_at + timedelta(minutes=1)),
        "financial_status": "partially_refunded",
        "currency": "EUR",
        "discount_codes": ["SPRING"],
        "shipping_minor": 500,
        "customer": {
            "id": "C-1",
            "email": _address(name),
            "phone": f"+4915112345{abs(hash(name)) % 1000:03d}",
            "given_name": "Ann",
            "consents": [
                {"channel": "email", "state": "subscribed", "at": "2026-01-01T09:00:00Z", "source": "checkout"}
            ],
        },
        "lines": [
            {
                "id": "1",
                "product_id": "P-1",
                "title": "Mug",
                "quantity": 3,
                "unit_price_minor": 40_000,
                "discount_minor": 400,
                "total_minor": 119_600,
                "category_path": ["Kitchen", "Mugs"],
            }
        ],
        "refunds": [
            {"id": f"R-{number}", "at": _text(placed_at + timedelta(hours=1)), "lines": [refund], "amount_minor": 1000}
        ],
    }


async def deliver(hook: Hook, *events: Mapping[str, Any]) -> None:
    """The deliveries are stored."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for event in events:
            delivery = Delivery(secrets.token_hex(8), "", json.dumps(event).encode())
            headers = hook.headers(delivery, int(time.time()))
            (await client.post(hook.url, content=delivery.body, headers=headers)).raise_for_status()


async def _tenant(stack: Stack, name: str, first_parked: int) -> Tenant:
    async with client_of(stack.urls["order_ingest"], stack.token()) as platform:
        body = {"name": name.title(), "currency": "EUR", "time_zone": "Europe/Berlin"}
        merchant_id = UUID((await _done(platform.post("/v1/merchants", json=body)))["merchant_id"])
    token = stack.token(merchant=merchant_id, scopes=(*MERCHANT_SCOPES, "ops:*"))
    clients = {service: client_of(url, token) for service, url in stack.urls.items()}
    try:
        store_id, hook = await _store(clients["order_ingest"], name)
        programme = await _programme(clients["loyalty"])
        now = datetime.now(UTC)
        for number, days in enumerate((170, 100, 20), start=1):
            order = order_document(name, number, placed_at=now - timedelta(days=days))
            await deliver(hook, {"type": "order.updated", "timestamp": _text(now), "data": order})
        parked = await _park(stack, merchant_id, first_parked)
        ids = {
            "order_ingest": await _ingest_ids(clients["order_ingest"], store_id, name),
            "loyalty": {**programme, "number": "2"},
            "segmentation": {"group": "champions"},
            "messaging": await _messaging_ids(clients["messaging"]),
        }
        ids = await _heard(clients, ids, customer_id=str(derived_id(store_id, "customer", "C-1")))
        ids["messaging"]["token"] = await _unsubscribe_token(stack.folders.mail, _address(name))
        for service in SERVICES:
            ids[service]["parked_id"] = parked[service].pop()
            if service != "order_ingest":
                ids[service]["job_id"] = await _replayed(clients[service], parked[service].pop())
    finally:
        await asyncio.gather(*(client.aclose() for client in clients.values()))
    return Tenant(merchant_id, store_id, hook, ids, parked, _address(name))


async def _store(ingest: httpx.AsyncClient, name: str) -> tuple[UUID, Hook]:
    secret = "whsec_" + base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()
    wanted = {"platform": "standard", "account": name, "currency": "EUR", "time_zone": "Europe/Berlin"}
    store = await _done(ingest.post("/v1/stores", json={**wanted, "secret": secret}))
    return UUID(store["store_id"]), Hook(f"{ingest.base_url}".rstrip("/") + urlsplit(store["hook_url"]).path, secret)


async def _programme(loyalty: httpx.AsyncClient) -> dict[str, str]:
    """A published version 2 under which every order earns, and version 3 as a draft."""
    programmes = await eventually(lambda: _items(loyalty, "/v1/programmes"), "the programme")
    programme_id = programmes[0]["programme_id"]
    versions = f"/v1/programmes/{programme_id}/versions"
    await _done(loyalty.post(versions, json={"effective_at": "2020-01-01T00:00:00Z"}))
    await _done(loyalty.post(f"{versions}/2/publication"))
    await _done(loyalty.post(versions, json={"points_per_unit": 2}))
    return {"programme_id": programme_id}


async def _ingest_ids(ingest: httpx.AsyncClient, store_id: UUID, name: str) -> dict[str, str]:
    good = order_document(name, 50, placed_at=datetime.now(UTC) - timedelta(days=200))
    rows = f"{json.dumps(good)}\n{json.dumps({'id': 'broken'})}\n"
    taken = await _done(ingest.post("/v1/imports", params={"store_id": str(store_id)}, content=rows))
    await eventually(lambda: _over(ingest, taken["job_id"]), "the import's end")
    orders = await eventually(lambda: _items(ingest, "/v1/orders", at_least=4), "the orders")
    deliveries = await eventually(lambda: _items(ingest, "/v1/deliveries"), "the deliveries")
    refunded = next(order for order in orders if order["external_id"] == f"{name}-1")
    return {
        "store_id": str(store_id),
        "import_id": taken["import_id"],
        "job_id": taken["job_id"],
        "order_id": refunded["order_id"],
        "customer_id": refunded["customer_id"],
        "delivery_id": deliveries[0]["delivery_id"],
    }


async def _messaging_ids(messaging: httpx.AsyncClient) -> dict[str, str]:
    templates = await eventually(lambda: _items(messaging, "/v1/templates"), "the template")
    template_id = templates[0]["template_id"]
    content = {"subject": "A draft", "html": "<p>{{ points }}</p>"}
    draft = await _done(messaging.post(f"/v1/templates/{template_id}/versions", json=content))
    blocked = await _done(messaging.post("/v1/suppressions", json={"email": "blocked@shop.example"}))
    return {
        "template_id": template_id,
        "number": str(draft["version"]),
        "suppression_id": blocked["suppression_id"],
    }


async def _heard(
    clients: Mapping[str, httpx.AsyncClient], ids: Mapping[str, dict[str, str]], *, customer_id: str
) -> dict[str, dict[str, str]]:
    """Every service has heard of the customer's orders, and the first message was sent."""
    segments = await eventually(lambda: _items(clients["segmentation"], "/v1/segments"), "the segment")
    segment_id = segments[0]["segment_id"]
    members = f"/v1/segments/{segment_id}/members"
    sent = await eventually(lambda: _items(clients["messaging"], "/v1/messages?state=handed_off"), "a message")
    await eventually(lambda: _items(clients["segmentation"], members), "a member of the segment")
    await eventually(lambda: _items(clients["loyalty"], f"/v1/members/{customer_id}/lots", at_least=3), "points")
    filled = {service: {**of_service, "customer_id": customer_id} for service, of_service in ids.items()}
    filled["segmentation"]["segment_id"] = segment_id
    filled["messaging"]["intent_id"] = sent[0]["intent_id"]
    return filled


async def _park(stack: Stack, merchant_id: UUID, first: int) -> dict[str, list[str]]:
    """Parked events that no handler wants, so that a replay of one ends well. No test can make one from outside."""
    parked: dict[str, list[str]] = {}
    for service in SERVICES:
        address = urlsplit(stack.admin_url)._replace(path=f"/{service}").geturl()
        connection = await asyncpg.connect(address)
        try:
            places = [_FIRST_SEQUENCE + first + number for number in range(PARKED_IN_RESERVE)]
            await connection.executemany(
                "INSERT INTO parked_event (consumer_group, source, topic, lane, seq, merchant_id, subject, event,"
                " error, failed) VALUES ($1, 'order-ingest', $7, $2, $3, $4, $5, $6, 'broken', true)",
                [
                    (service.replace("_", "-"), _LANE, seq, merchant_id, f"{merchant_id}:{seq}", _UNWANTED, TOPIC)
                    for seq in places
                ],
            )
            await connection.execute(
                "INSERT INTO inbox_lane (consumer_group, source, topic, lane, last_seq)"
                " SELECT $1, 'order-ingest', $2, n, 0 FROM generate_series(0, 63) n ON CONFLICT DO NOTHING",
                service.replace("_", "-"),
                TOPIC,
            )
        finally:
            await connection.close()
        parked[service] = [f"order-ingest.{TOPIC}.{_LANE}.{seq}" for seq in places]
    return parked


async def _replayed(client: httpx.AsyncClient, parked_id: str) -> str:
    job_id: str = (await _done(client.post(f"/v1/ops/parked_events/{parked_id}/replays")))["job_id"]
    await eventually(lambda: _over(client, job_id), "the replay's end")
    return job_id


async def _unsubscribe_token(mail: Path, address: str) -> str:
    async def look() -> str | None:
        return await asyncio.to_thread(_linked_token, mail, address)

    return await eventually(look, f"mail to {address}")


def _linked_token(mail: Path, address: str) -> str | None:
    for path in sorted(mail.glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes())
        if message["X-Envelope-To"] == address:
            return urlsplit(str(message["List-Unsubscribe"]).strip("<>")).path.rpartition("/")[2]
    return None


async def _items(client: httpx.AsyncClient, path: str, *, at_least: int = 1) -> list[dict[str, Any]] | None:
    answer = await client.get(path)
    if answer.status_code != 200:
        return None
    items: list[dict[str, Any]] = answer.json()["items"]
    return items if len(items) >= at_least else None


async def _over(client: httpx.AsyncClient, job_id: str) -> dict[str, Any] | None:
    job: dict[str, Any] = await _done(client.get(f"/v1/jobs/{job_id}"))
    return job if job["state"] in ("succeeded", "failed") else None


async def _done(answer: Awaitable[httpx.Response]) -> dict[str, Any]:
    response = await answer
    if not response.is_success:
        raise RuntimeError(f"{response.request.method} {response.request.url}: {response.text[:500]}")
    found: dict[str, Any] = response.json()
    return found


def _address(name: str) -> str:
    return f"ann.{name}@shop.example"


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


_UNWANTED: Final = json.dumps({"key": "k", "headers": {"ce_type": "bus.nothing.v1"}, "payload": ""})
