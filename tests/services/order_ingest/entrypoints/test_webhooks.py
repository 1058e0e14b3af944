"""The hook path: what is refused leaves no trace, what is answered 200 stands, and nothing ever ends in a 500."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from libs.servicekit.rate_limit import Buckets
from services.order_ingest.adapters.group_commit import Full
from services.order_ingest.entrypoints.webhooks import Hooks
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House, Shop

_BODY = bodies.encoded(bodies.order())


async def _stored(house: House) -> int:
    [row] = await house.rows("SELECT count(*) AS n FROM webhook_delivery")
    return int(row["n"])


async def _post(house: House, shop: Shop, body: bytes = _BODY, **headers: str) -> httpx.Response:
    genuine = bodies.shopify_headers(_BODY, topic="orders/create", webhook_id="w-1")
    return await house.client.post(shop.path, content=body, headers={**genuine, **headers})


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (_BODY.replace(b"19.99", b"09.99"), {}),
        (b"", {}),
        (_BODY, {"x-shopify-hmac-sha256": ""}),
        (_BODY, {"x-shopify-hmac-sha256": "nonsense"}),
        (_BODY, {"x-shopify-hmac-sha256": bodies.shopify_signature(_BODY, "another secret")}),
        (_BODY, {"x-shopify-hmac-sha256": bodies.shopify_signature(_BODY)[:-2] + "A="}),
        (_BODY, {"x-shopify-shop-domain": "evil.myshopify.com"}),
        (_BODY, {"x-shopify-shop-domain": ""}),
    ],
)
async def test_what_proves_nothing_is_refused_and_leaves_no_trace(
    shared_house: House, body: bytes, headers: dict[str, str]
) -> None:
    shop = await shared_house.shop()

    answer = await _post(shared_house, shop, body, **headers)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert await _stored(shared_house) == 0


async def test_a_signature_that_is_not_ascii_is_refused_like_any_other(shared_house: House) -> None:
    shop = await shared_house.shop()
    headers = [(b"x-shopify-hmac-sha256", "é".encode() * 22), (b"x-shopify-topic", b"orders/create")]

    answer = await shared_house.client.post(shop.path, content=_BODY, headers=headers)

    assert answer.status_code == 401
    assert await _stored(shared_house) == 0


@pytest.mark.parametrize(
    "path", ["/v1/hooks/shopify/unknown", "/v1/hooks/nosuch/x", "/v1/hooks/shopify/", "/v1/hooks/shopify/é"]
)
async def test_an_address_that_leads_nowhere_is_not_found(shared_house: House, path: str) -> None:
    answer = await shared_house.client.post(path, content=_BODY)

    assert answer.status_code == 404


async def test_a_stores_address_under_another_platform_is_not_found(shared_house: House) -> None:
    shop = await shared_house.shop()

    answer = await shared_house.client.post(shop.path.replace("shopify", "standard"), content=_BODY)

    assert answer.status_code == 404


async def test_encoded_oversized_and_slow_bodies_are_refused(shared_house: House) -> None:
    shop = await shared_house.shop()

    encoded = await _post(shared_house, shop, _BODY, **{"content-encoding": "gzip"})
    declared = await _post(shared_house, shop, b"x" * (1 << 20) + b"x")
    streamed = await shared_house.client.post(shop.path, content=_endless())

    assert (encoded.status_code, declared.status_code, streamed.status_code) == (415, 413, 413)
    assert await _stored(shared_house) == 0


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65536


async def test_two_secrets_sign_while_a_store_changes_over_and_an_ended_one_does_not(house: House) -> None:
    shop = await house.shop()
    headers = house.bearer("stores:write", merchant_id=shop.merchant_id)
    new = {"secret": "shpss_brand_new_secret", "overlap": "PT1H"}
    rotated = await house.client.post(f"/v1/stores/{shop.store_id}/credentials", json=new, headers=headers)
    house.clock.advance(timedelta(seconds=6))

    old = await house.deliver(shop, "orders/create", _BODY)
    fresh = await house.deliver(shop, "orders/create", _BODY, **_signed_by(new["secret"]))
    house.clock.advance(timedelta(hours=1))
    ended = await house.deliver(shop, "orders/create", _BODY)
    still = await house.deliver(shop, "orders/create", _BODY, **_signed_by(new["secret"]))

    assert rotated.status_code == 201
    assert [answer.status_code for answer in (old, fresh, ended, still)] == [200, 200, 401, 200]


def _signed_by(secret: str) -> dict[str, str]:
    return {"x-shopify-hmac-sha256": bodies.shopify_signature(_BODY, secret)}


async def test_our_own_hook_takes_standard_webhooks_and_refuses_old_ones(house: House) -> None:
    shop = await house.shop("standard")
    content = {"id": "A-1", "deleted_at": "2026-05-02T00:00:00Z"}
    now = int(house.clock.now().timestamp())

    fresh = await house.send(shop, "order.deleted", content)
    old = await house.send(shop, "order.deleted", content, timestamp=now - 301)

    assert (fresh.status_code, old.status_code) == (200, 401)
    assert await _stored(house) == 1


async def test_a_delivery_sent_again_is_answered_at_once_and_kept_once_even_days_later(house: House) -> None:
    shop = await house.shop()

    first = await house.deliver(shop, "orders/create", _BODY, webhook_id="same")
    again = await house.deliver(shop, "orders/create", _BODY, webhook_id="same")
    house.clock.advance(timedelta(days=2))
    later = await house.deliver(shop, "orders/create", _BODY, webhook_id="same")

    assert [answer.status_code for answer in (first, again, later)] == [200, 200, 200]
    assert await _stored(house) == 1


async def test_two_topics_of_one_event_are_two_deliveries(house: House) -> None:
    shop = await house.shop()

    for topic, webhook_id in (("orders/create", "w-a"), ("orders/paid", "w-b")):
        await house.deliver(shop, topic, _BODY, webhook_id=webhook_id, **{"x-shopify-event-id": "the same"})

    assert await _stored(house) == 2


async def test_without_an_id_the_content_stands_for_itself(house: House) -> None:
    shop = await house.shop()

    for topic in ("orders/create", "orders/create", "orders/paid"):
        await house.deliver(shop, topic, _BODY, **{"x-shopify-webhook-id": ""})

    assert await _stored(house) == 2


async def test_deliveries_at_one_instant_share_commits_and_lanes_stay_gapless(house: House) -> None:
    merchant_id = await house.merchant()
    shops = [await house.shop(merchant_id=merchant_id, account=f"{n}") for n in range(3)]

    answers = await asyncio.gather(
        *(house.deliver(shops[n % 3], "orders/create", _BODY, webhook_id=f"w-{n % 250}") for n in range(500))
    )

    assert {answer.status_code for answer in answers} == {200}
    lanes = await house.rows(
        "SELECT lane, min(seq) AS low, max(seq) AS high, count(*) AS n FROM webhook_delivery GROUP BY 1"
    )
    assert sum(lane["n"] for lane in lanes) == 500  # 250 ids, but each (store, id) once: 3 and 250 share no factor
    assert all(lane["low"] == 1 and lane["high"] == lane["n"] for lane in lanes)
    [counted] = await house.rows("SELECT sum(next_seq - 1) AS n FROM intake_lane")
    assert counted["n"] == 500


class _Failing:
    """An intake that cannot store."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def put(self, delivery: Any) -> None:
        raise self._error


@pytest.mark.parametrize("error", [Full(), ConnectionRefusedError(), RuntimeError()])
async def test_what_is_not_stored_is_answered_503_with_a_time_to_come_back(
    shared_house: House, error: Exception
) -> None:
    shop = await shared_house.shop()
    buckets = Buckets(per_second=1, burst=100)
    hooks = Hooks(
        shared_house.stores,
        _Failing(error),
        shared_house.clock,
        refusals=shared_house.refusals,
        per_endpoint=buckets,
        per_address=buckets,
    )

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=hooks), base_url="http://test") as client:
        headers = bodies.shopify_headers(_BODY, topic="orders/create", webhook_id="w-1")
        answer = await client.post(shop.path, content=_BODY, headers=headers)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_too_many_requests_are_answered_429_before_any_signature_is_looked_at(shared_house: House) -> None:
    shop = await shared_house.shop()
    small, large = Buckets(per_second=1, burst=2), Buckets(per_second=1, burst=100)
    for per_endpoint, per_address in ((small, large), (large, Buckets(per_second=1, burst=2))):
        hooks = Hooks(
            shared_house.stores,
            shared_house.intake,
            shared_house.clock,
            refusals=shared_house.refusals,
            per_endpoint=per_endpoint,
            per_address=per_address,
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=hooks), base_url="http://test") as client:
            answers = [await client.post(shop.path, content=b"unsigned") for _ in range(3)]

        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert int(answers[2].headers["retry-after"]) >= 1


async def test_bodies_at_rest_are_ciphertext_and_shown_only_redacted(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", _BODY)

    [row] = await house.rows("SELECT body_enc FROM webhook_delivery")
    [listed] = (await house.get(shop, "/v1/deliveries"))["items"]
    shown = await house.get(shop, f"/v1/deliveries/{listed['delivery_id']}")

    assert b"bob" not in row["body_enc"].lower()
    assert "bob" not in str(shown).lower()
    assert "norman" not in str(shown).lower()
    assert shown["body"]["line_items"][0]["price"] == "19.99"
    assert shown["body"]["email"] == "[redacted]"
