"""A10: a person who asked to be forgotten is in no table, on no log line and on the bus only sealed, and stays away."""

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import zstandard

from deploy.local.databases import SERVICES
from libs.servicekit.errors import SealBroken
from libs.servicekit.sealing import Sealer, Vault
from services.order_ingest.adapters.intake_log import delivery_place
from tests.asking import done, eventually, items
from tests.remains import remains
from tests.running import Running
from tests.shopping import deliver, text_of

_EMAIL: Final = "zelda.quixote@forgotten.example"
_PHONE: Final = "+4915112399887"
_NAMES: Final = ("Zeldaquix", "Quixotezel")
_WORDS: Final = (_EMAIL, _PHONE, _PHONE.removeprefix("+49"), *_NAMES)
_NOW: Final = datetime.now(UTC)


def _order(name: str, *, days: int) -> Mapping[str, Any]:
    at = text_of(_NOW - timedelta(days=days))
    consent = {"channel": "email", "state": "subscribed", "at": "2026-01-01T09:00:00Z", "source": "checkout"}
    return {
        "id": name,
        "updated_at": at,
        "placed_at": at,
        "paid_at": at,
        "financial_status": "paid",
        "currency": "EUR",
        "customer": {
            "id": "Z-77",
            "email": _EMAIL,
            "phone": _PHONE,
            "given_name": _NAMES[0],
            "family_name": _NAMES[1],
            "consents": [consent],
        },
        "lines": [{"id": "1", "title": "Mug", "quantity": 1, "total_minor": 30_000}],
    }


async def _tell(running: Running, kind: str, content: Mapping[str, Any]) -> None:
    await deliver(running.ours.hook, {"type": kind, "timestamp": text_of(_NOW), "data": content})


async def test_a_person_forgotten_in_the_running_product_stays_forgotten(running: Running) -> None:
    async with (
        running.client("order_ingest", running.token(running.ours)) as ingest,
        running.client("loyalty", running.token(running.ours)) as loyalty,
        running.client("messaging", running.token(running.ours)) as messaging,
    ):
        customer_id = await _known_everywhere(running, ingest, loyalty, messaging)
        deliveries = (await done(ingest.get("/v1/deliveries?limit=200")))["items"]
        assert {place.partition(":")[0] for place in await _left_of(running)} == {"order_ingest"}
        assert (await done(messaging.get(f"/v1/contacts/{customer_id}")))["email_masked"] is not None

        asked = await done(ingest.post(f"/v1/customers/{customer_id}/erasures"))
        await _closed(ingest, customer_id)
        await _come_late(running, ingest, deliveries)

        assert await _left_of(running) == []
        assert await _on_the_bus(running) == []
        assert (await done(messaging.get(f"/v1/contacts/{customer_id}")))["email_masked"] is None
        shown = await done(ingest.get(f"/v1/customers/{customer_id}"))
        assert (shown["email"], shown["erased_at"] is not None) == (None, True)
        found = await done(ingest.get("/v1/customers", params={"email": _EMAIL}))
        assert found["items"] == []
        orders = (await done(ingest.get(f"/v1/orders?customer_id={customer_id}")))["items"]
        assert sorted(order["external_id"] for order in orders) == ["Z-1", "Z-2", "Z-3"]
        request = await done(ingest.get(f"/v1/privacy_requests/{asked['request_id']}"))
        assert sorted(each["service"] for each in request["answers"]) == sorted(
            service.replace("_", "-") for service in SERVICES
        )
    assert _in_logs(running) == []


async def _known_everywhere(
    running: Running, ingest: httpx.AsyncClient, loyalty: httpx.AsyncClient, messaging: httpx.AsyncClient
) -> UUID:
    """She bought, has points, and was written to."""
    await _tell(running, "order.updated", _order("Z-1", days=100))
    await _tell(running, "buyer_message.received", _message())
    known = await eventually(lambda: items(ingest, "/v1/customers?external_id=Z-77"), "the customer")
    customer_id = known[0]["customer_id"]
    await _tell(running, "order.updated", _order("Z-2", days=20))
    await eventually(lambda: items(loyalty, f"/v1/members/{customer_id}/lots", at_least=2), "points")
    sent = f"/v1/messages?customer_id={customer_id}&state=handed_off"
    await eventually(lambda: items(messaging, sent), "a mail")
    return UUID(customer_id)


def _message() -> Mapping[str, Any]:
    return {
        "id": "ZM-1",
        "conversation_id": "ZC-1",
        "at": text_of(_NOW - timedelta(days=30)),
        "customer": {"id": "Z-77", "email": _EMAIL},
        "channel": "email",
        "topic": "damaged",
        "text": f"Call me, {_NAMES[0]}: {_PHONE}",
    }


async def _closed(ingest: httpx.AsyncClient, customer_id: UUID) -> None:
    path = f"/v1/privacy_requests?customer_id={customer_id}&open=false&kind=erasure"
    await eventually(lambda: items(ingest, path), "all answers")


async def _come_late(running: Running, ingest: httpx.AsyncClient, deliveries: list[Mapping[str, Any]]) -> None:
    """Replays, a webhook of an order that nobody knew, and one that cannot be read; all of it was looked at."""
    for each in deliveries[:20]:
        await done(ingest.post(f"/v1/deliveries/{each['delivery_id']}/replays"))
    await _tell(running, "order.updated", _order("Z-3", days=50))
    await eventually(lambda: items(ingest, "/v1/orders?external_id=Z-3"), "the late order")
    await asyncio.sleep(2)  # whatever the others would make of it


async def _left_of(running: Running) -> list[str]:
    """`service:table.column` of every place that names her, in clear or under a key of ours."""
    sealer = Sealer([running.keys.seal], base64.b64decode(running.keys.match))

    def opened(token: str) -> str:
        try:
            return json.dumps(sealer.open(token), ensure_ascii=False)
        except SealBroken:
            return ""

    found = await _in_bodies(running)
    for service in SERVICES:
        owner = running.databases.services[service].owner
        found += [f"{service}:{place}" for place in await remains(owner, _WORDS, opened=opened)]
    return sorted(set(found))


async def _in_bodies(running: Running) -> list[str]:
    """Where what order-ingest keeps encrypted names her."""
    vault = Vault([base64.b64decode(running.keys.vault)])
    owner = await asyncpg.connect(running.databases.services["order_ingest"].owner)
    try:
        bodies = await owner.fetch("SELECT merchant_no, delivery_id, body_enc FROM webhook_delivery")
        people = await owner.fetch("SELECT merchant_no, customer_id, description_enc FROM customer")
    finally:
        await owner.close()
    plain = [
        ("webhook_delivery.body_enc", zstandard.decompress(vault.decrypt(stored, delivery_place(merchant_no, id_))))
        for merchant_no, id_, stored in bodies
        if stored
    ]
    plain += [
        ("customer.description_enc", vault.decrypt(stored, f"{merchant_no}|customer|description|{id_}"))
        for merchant_no, id_, stored in people
        if stored
    ]
    assert len(plain) > 5
    return [f"order_ingest:{place}" for place, text in plain if any(word.encode() in text for word in _WORDS)]


async def _on_the_bus(running: Running) -> list[str]:
    """Records that name her in clear: what is personal travels sealed, and ages out."""
    owner = await asyncpg.connect(running.databases.bus_owner)
    try:
        records = await owner.fetch("SELECT key, headers, payload FROM log")
    finally:
        await owner.close()
    assert len(records) > 50
    texts = [f"{key} {headers} {payload.decode(errors='replace')}" for key, headers, payload in records]
    return [text for text in texts if any(word in text for word in _WORDS)]


def _in_logs(running: Running) -> list[str]:
    """Lines of any process that name her."""
    files = sorted(running.logs.glob("*.log"))
    assert len(files) >= 2 * len(SERVICES)
    lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
    return [line for line in lines if any(word in line for word in _WORDS)]
