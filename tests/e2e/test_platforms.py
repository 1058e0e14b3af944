"""Each platform's row works through HTTP against the running product, on both buses: connect, deliver, look."""

import random
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from services.order_ingest.domain.platform_table import PLATFORMS
from tests.asking import done, eventually, over
from tests.brokers import need_kafka
from tests.chaos.arena import BUSES
from tests.e2e.market import Market, Seller, opened_market, settled
from tests.e2e.platform_rows import ROWS
from tests.e2e.rows import Expected, Row
from tests.services.order_ingest.bodies import encoded

_CANNOT_BE_ASKED: Final = "standard"
_COPIES: Final = 50
"""Of each delivery under each of two ids: retries, and new deliveries that say the same."""
Figures = Mapping[str, Any]


@pytest.fixture(scope="module", params=BUSES)
async def market(request: pytest.FixtureRequest) -> AsyncIterator[Market]:
    """One running stack for all platforms."""
    if request.param == "kafka":
        need_kafka()
    async with opened_market(request.param) as found:
        yield found


@pytest.mark.parametrize("platform", list(ROWS))
async def test_the_row_of_a_platform_works(market: Market, platform: str) -> None:
    """Orders are shown with the bodies' own figures, points and profiles follow from them, and health tells of it."""
    row = market.rows[platform]
    async with market.seller(row.store["currency"]) as seller:
        store = await _connected(market, seller, row)
        refused = await _deliver_all(market, seller, row, store)
        await _import_all(seller, row, store["store_id"])

        orders = await settled(lambda: _orders(seller), _orders_of(row))
        customers = await settled(lambda: _customers(seller), _customers_of(row))
        await market.drained()
        after = (await _orders(seller), await _customers(seller))
        health = await seller.get("order_ingest", f"/v1/stores/{store['store_id']}/health")

    assert orders == _orders_of(row)
    assert customers == _customers_of(row)
    assert after == (orders, customers)
    assert refused == (1 if row.hooks else 0)
    assert health is not None
    _check_health(row, health)


async def _connected(market: Market, seller: Seller, row: Row) -> dict[str, Any]:
    sender = row.sender
    told = {"platform": row.platform, **row.store, **({"secret": sender.secret} if sender else {})}
    store = await done(seller.ingest.post("/v1/stores", json=told))
    if row.secrets:
        access = {"origin": f"{market.origins[row.platform]}{row.path}", "secrets": dict(row.secrets)}
        await done(seller.ingest.put(f"/v1/stores/{store['store_id']}/access", json=access))
    return store


async def _deliver_all(market: Market, seller: Seller, row: Row, store: Mapping[str, Any]) -> float:
    """Everything is delivered, then a hundred times in any order, and one forgery; how many refusals that made."""
    assert (store["hook_url"] is None) == (not row.hooks)
    if not row.hooks:
        return 0
    path, before = urlsplit(store["hook_url"]).path, await market.refusals(row.platform)
    letters = [_signed(row, topic, body) for topic, body in row.hooks]
    again = [*letters, *(_signed(row, topic, body) for topic, body in row.hooks)] * _COPIES
    for headers, body in (*letters, *random.Random(row.platform).sample(again, len(again))):
        answer = await seller.ingest.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
    headers, body = letters[0]
    forged = await seller.ingest.post(path, content=body.replace(b"{", b"{ ", 1), headers=headers)
    assert forged.status_code == 401
    return await market.refusals(row.platform) - before


def _signed(row: Row, topic: str, told: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    sender, body = row.sender, encoded(told)
    assert sender is not None
    headers = dict(sender.sign(body, sender.secret, f"m-{secrets.token_hex(8)}", int(time.time())))
    named = PLATFORMS[row.platform].topic
    return (headers | {named.decode(): topic} if named else headers), body


async def _import_all(seller: Seller, row: Row, store_id: str) -> None:
    for preset, content in row.files:
        query = {"store_id": store_id, "preset": preset}
        taken = await done(seller.ingest.post("/v1/imports", params=query, content=content))
        job = await eventually(partial(over, seller.ingest, taken["job_id"]), f"the end of {preset}")
        assert (job["state"], job["problem"]) == ("succeeded", None)


async def _listed(seller: Seller) -> Sequence[dict[str, Any]]:
    shown = await seller.get("order_ingest", "/v1/orders", limit=200)
    assert shown is not None
    found: list[dict[str, Any]] = shown["items"]
    return found


async def _orders(seller: Seller) -> Figures:
    return {
        order["external_id"]: (
            order["total"]["amount_minor"],
            order["goods"]["amount_minor"],
            order["refunded"]["amount_minor"],
            order["paid_at"] is not None,
        )
        for order in await _listed(seller)
    }


def _orders_of(row: Row) -> Figures:
    return {
        each.external_id: (each.total, each.goods, each.refunded, each.paid) for owned in row.orders for each in owned
    }


async def _customers(seller: Seller) -> Figures:
    """By whose orders they are: points at loyalty, orders and spend at segmentation."""
    owned: dict[str, list[str]] = defaultdict(list)
    for order in await _listed(seller):
        owned[order["customer_id"]].append(order["external_id"])
    return {_key(ids): await _standing(seller, customer_id) for customer_id, ids in owned.items()}


async def _standing(seller: Seller, customer_id: str) -> Any:
    member = await seller.get("loyalty", f"/v1/members/{customer_id}")
    profile = await seller.get("segmentation", f"/v1/customers/{customer_id}/profile")
    points = member["points"] if member else None
    return (points, profile["orders"], profile["spend"]["amount_minor"]) if profile else None


def _customers_of(row: Row) -> Figures:
    return {_key([each.external_id for each in owned]): _standing_of(owned) for owned in row.orders}


def _standing_of(owned: Sequence[Expected]) -> tuple[int, int, int]:
    """One point for every whole unit of what the shop kept for a paid order's goods; spend follows all that stand."""
    kept = [(each.goods - each.goods_back, each.paid) for each in owned]
    return sum(goods // 100 for goods, paid in kept if paid), len(owned), sum(goods for goods, _ in kept)


def _key(external_ids: Sequence[str]) -> str:
    return " ".join(sorted(external_ids))


def _check_health(row: Row, health: Mapping[str, Any]) -> None:
    now = datetime.now(UTC)
    states = health["states_24h"]
    assert (now - datetime.fromisoformat(health["last_delivery_at"])).total_seconds() < 300
    assert states.keys() <= {"applied", "no_news", "ignored"}, states
    assert health["waiting_seconds"] == 0
    if row.platform == _CANNOT_BE_ASKED:
        assert health["asked"] is None
    else:
        assert health["asked"]["last_failure"] is None
