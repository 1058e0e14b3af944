"""Shopify's API client against the stand-in: whole lists whatever happens meanwhile, and refusals in our words."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from services.order_ingest.adapters.store_apis.shopify import ShopifyApi
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Page
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.platforms import shopify
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies
from tests.services.order_ingest.desk import NOW, storefront
from tests.services.order_ingest.stores.shopify_server import BASE_URL, TOKEN, ShopifyServer

SINCE = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
ACCESS = Access(base_url=BASE_URL, account="690933842", site="", credentials={"access_token": TOKEN})
_LIST = "/admin/api/2026-04/orders.json"


@pytest.fixture
def server() -> ShopifyServer:
    return ShopifyServer()


@pytest.fixture
async def api(server: ShopifyServer) -> AsyncIterator[ShopifyApi]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        yield ShopifyApi(client)


def _changed(number: int, after: float = 0, **changes: Any) -> dict[str, Any]:
    return {"id": number, "updated_at": (SINCE + timedelta(seconds=after)).isoformat(), **changes}


def _ids(page: Page) -> list[Any]:
    return [load(document)["id"] for document in page.documents]


async def _sweep(api: ShopifyApi, since: datetime = SINCE) -> list[Page]:
    pages = [await api.changed_orders(ACCESS, since, None)]
    while pages[-1].next_cursor is not None:
        pages.append(await api.changed_orders(ACCESS, since, pages[-1].next_cursor))
    return pages


async def test_all_pages_come_once_and_those_that_changed_first_first(api: ShopifyApi, server: ShopifyServer) -> None:
    for number in range(1, 601):
        server.put(_changed(number, after=(number * 7) % 600))

    pages = await _sweep(api)

    assert [len(page.documents) for page in pages] == [250, 250, 100]
    found = [number for page in pages for number in _ids(page)]
    assert found == sorted(range(1, 601), key=lambda number: (number * 7) % 600)


async def test_a_question_for_a_next_page_has_nothing_but_the_cursor(api: ShopifyApi, server: ShopifyServer) -> None:
    for number in range(1, 252):
        server.put(_changed(number))

    await _sweep(api)

    assert server.asked[0] == (
        f"{_LIST}?status=any&updated_at_min=2026-05-02T10%3A15%3A05%2B00%3A00&order=updated_at+asc&limit=250"
    )
    assert server.asked[1].startswith(f"{_LIST}?limit=250&page_info=")
    assert len(server.asked) == 2


async def test_an_order_that_changes_between_two_pages_hides_no_other(api: ShopifyApi, server: ShopifyServer) -> None:
    for number in range(1, 503):
        server.put(_changed(number, after=number))

    first = await api.changed_orders(ACCESS, SINCE, None)
    for number in (1, 2, 3, 251):
        server.put(_changed(number, after=1000 + number))
    second = await api.changed_orders(ACCESS, SINCE, first.next_cursor)
    third = await api.changed_orders(ACCESS, SINCE, second.next_cursor)

    assert (_ids(first)[-1], _ids(second)[0]) == (250, 252)
    assert {*_ids(first), *_ids(second), *_ids(third)} == set(range(1, 503))


@pytest.mark.parametrize(
    "since",
    [
        SINCE,
        SINCE.replace(microsecond=999_999),
        SINCE.astimezone(timezone(timedelta(hours=-4))),
    ],
)
async def test_what_changed_in_the_very_second_is_among_them(
    api: ShopifyApi, server: ShopifyServer, since: datetime
) -> None:
    server.put(_changed(1, after=-1))
    server.put(_changed(2, after=0))
    server.put(_changed(3, after=0.999))

    [page] = await _sweep(api, since)

    assert _ids(page) == [2, 3]


async def test_cancelled_and_archived_orders_are_among_them(api: ShopifyApi, server: ShopifyServer) -> None:
    server.put(_changed(1, cancelled_at="2026-05-02T10:15:05Z"))
    server.put(_changed(2, closed_at="2026-05-02T10:15:05Z"))

    [page] = await _sweep(api)

    assert _ids(page) == [1, 2]


async def test_nothing_changed_is_one_empty_page(api: ShopifyApi, server: ShopifyServer) -> None:
    server.put(_changed(1, after=-1))

    assert await _sweep(api) == [Page([])]


async def test_documents_are_what_the_shop_wrote(api: ShopifyApi, server: ShopifyServer) -> None:
    written = [
        b'{"id":820982911946154509, "updated_at":"2026-05-02T06:15:05-04:00","total":17.990,"n":1E2,"t":"]}\\u0041"}',
        '{ "updated_at" : "2026-05-02T10:15:06Z", "id" : 820982911946154510, "note" : "caf\u00e9 \u5e97" }'.encode(),
    ]
    for text in written:
        server.put(text)

    page = await api.changed_orders(ACCESS, SINCE, None)

    assert page.documents == written
    assert [await api.order(ACCESS, str(load(text)["id"])) for text in written] == written


async def test_a_document_is_read_as_the_order_that_it_is(api: ShopifyApi, server: ShopifyServer) -> None:
    server.put(bodies.order(refunds=[bodies.refund()]))

    [document] = (await api.changed_orders(ACCESS, SINCE, None)).documents
    seen = shopify.parse(load(document), Arrival(topic=PULLED, at=NOW), storefront())

    assert isinstance(seen, OrderSeen)
    assert (seen.external_id, seen.content.total_minor, seen.paid_at) == ("450789469", 4386, SINCE)
    assert [refund.amount_minor for refund in seen.refunds] == [1943]


async def test_an_order_that_is_not_there_is_none(api: ShopifyApi, server: ShopifyServer) -> None:
    assert await api.order(ACCESS, "450789469") is None
    assert server.asked == ["/admin/api/2026-04/orders/450789469.json"]


@pytest.mark.parametrize(
    "odd", ["", "..", "1/../2", "1?fields=id", "1.json", "gid://shopify/Order/1", "\u0661", "-1", "9" * 21]
)
async def test_what_is_no_number_is_no_order_and_is_not_asked_for(
    api: ShopifyApi, server: ShopifyServer, odd: str
) -> None:
    assert await api.order(ACCESS, odd) is None
    assert server.asked == []


@pytest.mark.parametrize("token", ["", "shpat_other"])
async def test_a_wrong_token_is_refused_and_not_shown(api: ShopifyApi, token: str) -> None:
    access = Access(base_url=BASE_URL, account="", site="", credentials={"access_token": token})

    with pytest.raises(ApiRefuses, match="401") as raised:
        await api.changed_orders(access, SINCE, None)
    with pytest.raises(ApiRefuses, match="401"):
        await api.order(access, "1")

    assert "shpat" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 400, 402, 403, 404, 406, 422, 423])
async def test_what_somebody_must_change_is_a_refusal(api: ShopifyApi, server: ShopifyServer, status: int) -> None:
    server.fail_next(status, {"location": f"{BASE_URL}/orders.json?limit=1"})

    with pytest.raises(ApiRefuses):
        await api.changed_orders(ACCESS, SINCE, None)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "after_seconds"),
    [(429, {"retry-after": "2.0"}, 2.0), (429, {}, None), (500, {}, None), (503, {"retry-after": "120"}, 120.0)],
)
async def test_what_passes_is_asked_again_when_the_shop_says(
    api: ShopifyApi, server: ShopifyServer, status: int, headers: dict[str, str], after_seconds: float | None
) -> None:
    server.fail_next(status, headers)
    server.fail_next(status, headers)

    for asking in (api.changed_orders(ACCESS, SINCE, None), api.order(ACCESS, "1")):
        with pytest.raises(ApiAway) as raised:
            await asking
        assert raised.value.after_seconds == after_seconds


@pytest.mark.parametrize(
    "body", [b"<html>We will be back</html>", b"", b'{"errors":"busy"}', b'{"orders":null,"order":1}}', b"[]"]
)
async def test_an_answer_that_is_none_is_asked_for_again(api: ShopifyApi, server: ShopifyServer, body: bytes) -> None:
    server.fail_next(200, body=body)
    server.fail_next(200, body=body)

    with pytest.raises(ApiAway):
        await api.changed_orders(ACCESS, SINCE, None)
    with pytest.raises(ApiAway):
        await api.order(ACCESS, "1")


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        (f'<{BASE_URL}/orders.json?page_info=a%2Bb%3D&limit=250>; rel="next"', "a+b="),
        (f"<{BASE_URL}/orders.json?limit=250&page_info=ab>; rel=next", "ab"),
        (f'<{BASE_URL}/x?page_info=p>; rel="previous", <{BASE_URL}/x?page_info=n>; rel="next"', "n"),
        (f'<{BASE_URL}/x?page_info=n>; rel="next", <{BASE_URL}/x?page_info=p>; rel="previous"', "n"),
        (f'<{BASE_URL}/x?page_info=p>; rel="previous"', None),
        ("", None),
    ],
)
async def test_the_next_page_is_the_one_that_the_link_names(
    api: ShopifyApi, server: ShopifyServer, link: str, cursor: str | None
) -> None:
    server.fail_next(200, {"link": link}, b'{"orders":[]}')

    assert (await api.changed_orders(ACCESS, SINCE, None)).next_cursor == cursor


async def test_a_link_without_its_cursor_is_no_end(api: ShopifyApi, server: ShopifyServer) -> None:
    server.fail_next(200, {"link": f'<{BASE_URL}/orders.json?limit=250>; rel="next"'}, b'{"orders":[]}')

    with pytest.raises(ApiAway, match="page_info"):
        await api.changed_orders(ACCESS, SINCE, None)
