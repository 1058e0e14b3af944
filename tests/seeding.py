"""A merchant in the running product of whom every service has something to show."""

import asyncio
import base64
import email
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx

from deploy.local.databases import SERVICES
from deploy.local.local_tokens import MERCHANT_SCOPES
from deploy.local.stack import Stack
from libs.kernel.identifiers import derived_id
from tests.asking import client_of, done, eventually, items, over
from tests.chaos.sender import Hook
from tests.shopping import address_of, deliver, order_document, text_of

TOPIC: Final = "rehearsal"
"""A topic that nobody tells: its lanes and parked events can be skipped and discarded without any harm."""
PARKED_IN_RESERVE: Final = 12
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


async def new_tenant(stack: Stack, name: str, first_parked: int) -> Tenant:
    """A merchant of whom every service has something; `first_parked` tells its parked events from another tenant's."""
    merchant_id = await _merchant(stack, name)
    token = stack.token(merchant=merchant_id, scopes=(*MERCHANT_SCOPES, "ops:*"))
    clients = {service: client_of(url, token) for service, url in stack.urls.items()}
    try:
        store_id, hook = await _store(clients["order_ingest"], name)
        ids = {"loyalty": await _programme(clients["loyalty"]), "segmentation": {"group": "champions"}}
        await _order(hook, name)
        ids["order_ingest"] = await _ingest_ids(clients["order_ingest"], store_id, name)
        ids["messaging"] = await _messaging_ids(clients["messaging"])
        await _heard(clients, ids, customer_id=str(derived_id(store_id, "customer", "C-1")))
        ids["messaging"]["token"] = await _unsubscribe_token(stack.folders.mail, address_of(name))
        parked = await _park(stack, merchant_id, first_parked)
        for service in SERVICES:
            ids[service]["parked_id"] = parked[service].pop()
            ids[service]["job_id"] = await _replayed(clients[service], parked[service].pop())
    finally:
        await asyncio.gather(*(client.aclose() for client in clients.values()))
    return Tenant(merchant_id, store_id, hook, ids, parked, address_of(name))


async def _merchant(stack: Stack, name: str) -> UUID:
    async with client_of(stack.urls["order_ingest"], stack.token()) as platform:
        body = {"name": name.title(), "currency": "EUR", "time_zone": "Europe/Berlin"}
        return UUID((await done(platform.post("/v1/merchants", json=body)))["merchant_id"])


async def _order(hook: Hook, name: str) -> None:
    """Three orders: with the older one of the history, the customer came back within 90 days. And somebody else."""
    now = datetime.now(UTC)
    for number, days in enumerate((170, 100, 20), start=1):
        order = order_document(name, number, placed_at=now - timedelta(days=days))
        await deliver(hook, {"type": "order.updated", "timestamp": text_of(now), "data": order})
    # The newest customer of all, of whom nothing else is known: whoever wants to forget one takes this one.
    spare = {"id": "C-2", "email": f"spare-{address_of(name)}", "updated_at": text_of(now)}
    await deliver(hook, {"type": "customer.created", "timestamp": text_of(now), "data": spare})


async def _store(ingest: httpx.AsyncClient, name: str) -> tuple[UUID, Hook]:
    secret = "whsec_" + base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()
    wanted = {"platform": "standard", "account": name, "currency": "EUR", "time_zone": "Europe/Berlin"}
    store = await done(ingest.post("/v1/stores", json={**wanted, "secret": secret}))
    return UUID(store["store_id"]), Hook(f"{ingest.base_url}".rstrip("/") + urlsplit(store["hook_url"]).path, secret)


async def _programme(loyalty: httpx.AsyncClient) -> dict[str, str]:
    """A published version 2 under which every order earns, and version 3 as a draft."""
    programmes = await eventually(lambda: items(loyalty, "/v1/programmes"), "the programme")
    programme_id = programmes[0]["programme_id"]
    versions = f"/v1/programmes/{programme_id}/versions"
    await done(loyalty.post(versions, json={"effective_at": "2020-01-01T00:00:00Z"}))
    await done(loyalty.post(f"{versions}/2/publication"))
    await done(loyalty.post(versions, json={"points_per_unit": 2}))
    return {"programme_id": programme_id, "number": "2"}


async def _ingest_ids(ingest: httpx.AsyncClient, store_id: UUID, name: str) -> dict[str, str]:
    good = order_document(name, 50, placed_at=datetime.now(UTC) - timedelta(days=175))
    rows = f"{json.dumps(good)}\n{json.dumps({'id': 'broken'})}\n"
    taken = await done(ingest.post("/v1/imports", params={"store_id": str(store_id)}, content=rows))
    await eventually(lambda: over(ingest, taken["job_id"]), "the import's end")
    orders = await eventually(lambda: items(ingest, "/v1/orders", at_least=4), "the orders")
    deliveries = await eventually(lambda: items(ingest, "/v1/deliveries"), "the deliveries")
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
    templates = await eventually(lambda: items(messaging, "/v1/templates"), "the template")
    template_id = templates[0]["template_id"]
    content = {"subject": "A draft", "html": "<p>{{ points }}</p>"}
    draft = await done(messaging.post(f"/v1/templates/{template_id}/versions", json=content))
    blocked = await done(messaging.post("/v1/suppressions", json={"email": "blocked@shop.example"}))
    return {
        "template_id": template_id,
        "number": str(draft["version"]),
        "suppression_id": blocked["suppression_id"],
    }


async def _heard(clients: Mapping[str, httpx.AsyncClient], ids: dict[str, dict[str, str]], *, customer_id: str) -> None:
    """Every service has heard of the customer's orders, the first message was sent, and their ids are known."""
    segments = await eventually(lambda: items(clients["segmentation"], "/v1/segments"), "the segment")
    segment_id = segments[0]["segment_id"]
    members = f"/v1/segments/{segment_id}/members"
    sent = await eventually(lambda: items(clients["messaging"], "/v1/messages?state=handed_off"), "a message")
    await eventually(lambda: items(clients["segmentation"], members), "a member of the segment")
    await eventually(lambda: items(clients["loyalty"], f"/v1/members/{customer_id}/lots", at_least=3), "points")
    for of_service in ids.values():
        of_service["customer_id"] = customer_id
    ids["segmentation"]["segment_id"] = segment_id
    ids["messaging"]["intent_id"] = sent[0]["intent_id"]


async def _park(stack: Stack, merchant_id: UUID, first: int) -> dict[str, list[str]]:
    """Parked events of every service that no handler wants: their replays end well. No test makes one from outside."""
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
    job_id: str = (await done(client.post(f"/v1/ops/parked_events/{parked_id}/replays")))["job_id"]
    await eventually(lambda: over(client, job_id), "the replay's end")
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


_UNWANTED: Final = json.dumps({"key": "k", "headers": {"ce_type": "bus.nothing.v1"}, "payload": ""})
