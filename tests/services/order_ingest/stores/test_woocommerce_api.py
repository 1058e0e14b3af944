"""WooCommerce's API client against the stand-in: whole lists whatever happens meanwhile, and refusals in our words."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from services.order_ingest.adapters.store_apis.woocommerce import WoocommerceApi
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Page
from services.order_ingest.domain.changes import OrderDeleted, OrderSeen
from services.order_ingest.domain.platforms import woocommerce
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_woocommerce as bodies
from tests.services.order_ingest.desk import NOW, storefront
from tests.services.order_ingest.stores.woocommerce_server import BASE_URL, KEY, SECRET, WoocommerceServer

SINCE = datetime(2026, 5, 2, 10, 15, 8, tzinfo=UTC)
_CREDENTIALS = {"consumer_key": KEY, "consumer_secret": SECRET}
ACCESS = Access(base_url=BASE_URL, account="", site="", credentials=_CREDENTIALS)
_LIST = "/wp-json/wc/v3/orders"
_PAGING = "dates_are_gmt=true&order=asc&per_page=50"


@pytest.fixture
def server() -> WoocommerceServer:
    return WoocommerceServer()


@pytest.fixture
async def api(server: WoocommerceServer) -> AsyncIterator[WoocommerceApi]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        yield WoocommerceApi(client)


def _changed(number: int, after: int = 0, **changes: Any) -> dict[str, Any]:
    at = (SINCE + timedelta(seconds=after)).replace(tzinfo=None)
    return {"id": number, "status": "processing", "date_modified_gmt": at.isoformat(), **changes}


def _ids(page: Page) -> list[Any]:
    return [load(document)["id"] for document in page.documents]


async def _sweep(api: WoocommerceApi, since: datetime = SINCE) -> list[Page]:
    pages = [await api.changed_orders(ACCESS, since, None)]
    while pages[-1].next_cursor is not None:
        pages.append(await api.changed_orders(ACCESS, since, pages[-1].next_cursor))
        assert len(pages) < 50
    return pages


def _found(pages: list[Page]) -> list[Any]:
    return [number for page in pages for number in _ids(page)]


@pytest.mark.parametrize("count", [1, 49, 50, 51, 99, 100, 101, 230])
async def test_all_come_once_and_those_that_changed_first_first(
    api: WoocommerceApi, server: WoocommerceServer, count: int
) -> None:
    for number in range(1, count + 1):
        server.put(_changed(number, after=(number * 7) % 307))

    pages = await _sweep(api)

    assert _found(pages) == sorted(range(1, count + 1), key=lambda number: (number * 7) % 307)
    assert len(pages) == len(server.asked) <= count // 49 + 1


async def test_orders_of_one_second_are_not_torn_apart(api: WoocommerceApi, server: WoocommerceServer) -> None:
    for number in range(1, 121):
        server.put(_changed(number, after=number // 20))

    pages = await _sweep(api)

    assert _found(pages) == list(range(1, 121))


@pytest.mark.parametrize("count", [51, 100, 101, 170])
async def test_a_second_with_more_orders_than_a_page_comes_whole(
    api: WoocommerceApi, server: WoocommerceServer, count: int
) -> None:
    server.put(_changed(1000, after=-1))
    server.put(_changed(1001, after=0))
    for number in range(1, count + 1):
        server.put(_changed(number, after=1))
    for number in range(1002, 2002):
        server.put(_changed(number, after=number))

    found = _found(await _sweep(api))

    assert (found[0], found[-1000:]) == (1001, list(range(1002, 2002)))
    assert sorted(found[1:-1000]) == list(range(1, count + 1))
    # One page is there for nothing: the first question for the second alone does not know yet how many it has.
    assert len(server.asked) <= 2 + 1 + -(-count // 50) + 21


async def test_an_order_that_changes_between_two_pages_hides_no_other(
    api: WoocommerceApi, server: WoocommerceServer
) -> None:
    for number in range(1, 121):
        server.put(_changed(number, after=number))

    first = await api.changed_orders(ACCESS, SINCE, None)
    for number in (1, 2, 3, 60):
        server.put(_changed(number, after=1000 + number))
    server.put(_changed(4, status="trash"))
    second = await api.changed_orders(ACCESS, SINCE, first.next_cursor)
    third = await api.changed_orders(ACCESS, SINCE, second.next_cursor)

    assert third.next_cursor is None
    assert set(_found([first, second, third])) == set(range(1, 121))


async def test_orders_that_leave_a_full_second_hide_no_other_of_it(
    api: WoocommerceApi, server: WoocommerceServer
) -> None:
    everyone = list(range(1, 301))
    for number in everyone:
        server.put(_changed(number))

    page = await api.changed_orders(ACCESS, SINCE, None)
    found, leaving = _ids(page), iter(everyone)
    while page.next_cursor is not None:
        for number in [next(leaving), next(leaving), next(leaving)]:
            server.put(_changed(number, after=5000 + number))
        page = await api.changed_orders(ACCESS, SINCE, page.next_cursor)
        found += _ids(page)

    assert set(found) == set(everyone)


async def test_a_full_second_that_all_orders_leave_is_left_too(api: WoocommerceApi, server: WoocommerceServer) -> None:
    for number in range(1, 130):
        server.put(_changed(number))

    page = await api.changed_orders(ACCESS, SINCE, None)
    for number in range(1, 130):
        server.put(_changed(number, after=number))
    rest = [await api.changed_orders(ACCESS, SINCE, page.next_cursor)]
    while (cursor := rest[-1].next_cursor) is not None:
        rest.append(await api.changed_orders(ACCESS, SINCE, cursor))

    assert _found(rest) == list(range(1, 130))


@pytest.mark.parametrize(
    "since",
    [
        SINCE,
        SINCE.replace(microsecond=999_999),
        SINCE.astimezone(timezone(timedelta(hours=9))),
    ],
)
async def test_what_changed_in_the_very_second_is_among_them(
    api: WoocommerceApi, server: WoocommerceServer, since: datetime
) -> None:
    server.put(_changed(1, after=-1))
    server.put(_changed(2, after=0))

    [page] = await _sweep(api, since)

    assert _ids(page) == [2]


async def test_times_are_asked_for_in_utc_without_an_offset(api: WoocommerceApi, server: WoocommerceServer) -> None:
    await api.changed_orders(ACCESS, SINCE.astimezone(timezone(timedelta(hours=-4))), None)

    [asked] = server.asked
    assert asked == f"{_LIST}?modified_after=2026-05-02T10%3A15%3A07&orderby=modified&{_PAGING}&page=1"


async def test_a_list_sorted_by_local_time_comes_to_its_end(api: WoocommerceApi, server: WoocommerceServer) -> None:
    # The last of a page changed before the first: so they are sorted in the hour that a change of clocks repeats.
    texts = [server.put(_changed(number, after=after)) for number, after in ((1, 1800), (2, 3600), (3, 0))]
    server.fail_next(200, {"x-wp-totalpages": "2"}, b"[" + b",".join(texts) + b"]")

    page = await api.changed_orders(ACCESS, SINCE, None)

    assert _ids(page) == [1, 3]
    assert page.next_cursor == "2026-05-02T11:15:08/0"


async def test_nothing_changed_is_one_empty_page(api: WoocommerceApi, server: WoocommerceServer) -> None:
    server.put(_changed(1, after=-1))

    assert await _sweep(api) == [Page([])]


async def test_documents_are_what_the_shop_wrote(api: WoocommerceApi, server: WoocommerceServer) -> None:
    written = [
        rb'{"id":727, "status":"processing","date_modified_gmt":"2026-05-02T10:15:08","price":3.990,"n":"a\/b\u00e9]"}',
        '{ "date_modified_gmt":"2026-05-02T10:15:09","status":"on-hold","id":728, "name":"caf\u00e9 \u5e97" }'.encode(),
    ]
    for text in written:
        server.put(text)

    page = await api.changed_orders(ACCESS, SINCE, None)

    assert page.documents == written
    assert [await api.order(ACCESS, number) for number in ("727", "728")] == written


async def test_a_document_is_read_as_the_order_that_it_is(api: WoocommerceApi, server: WoocommerceServer) -> None:
    server.put(bodies.order(**bodies.COMPLETED, refunds=[bodies.refund()]))

    [document] = (await api.changed_orders(ACCESS, SINCE, None)).documents
    seen = woocommerce.parse(load(document), Arrival(topic=PULLED, at=NOW), storefront("woocommerce"))

    assert isinstance(seen, OrderSeen)
    assert (seen.external_id, seen.content.total_minor) == ("727", 3978)
    assert [refund.amount_minor for refund in seen.refunds] == [1000]


async def test_an_order_in_the_trash_is_in_no_list_and_is_found_by_its_id(
    api: WoocommerceApi, server: WoocommerceServer
) -> None:
    server.put(bodies.order(status="trash"))

    document = await api.order(ACCESS, "727")

    assert await _sweep(api) == [Page([])]
    assert document is not None
    gone = woocommerce.parse(load(document), Arrival(topic=PULLED, at=NOW), storefront("woocommerce"))
    assert gone == OrderDeleted(external_id="727", at=SINCE)


async def test_an_order_that_is_not_there_is_none(api: WoocommerceApi, server: WoocommerceServer) -> None:
    assert await api.order(ACCESS, "727") is None
    assert server.asked == [f"{_LIST}/727"]


@pytest.mark.parametrize("odd", ["", "..", "1/refunds", "1?context=edit", "batch", "\u0661", "-1", "9" * 21])
async def test_what_is_no_number_is_no_order_and_is_not_asked_for(
    api: WoocommerceApi, server: WoocommerceServer, odd: str
) -> None:
    assert await api.order(ACCESS, odd) is None
    assert server.asked == []


@pytest.mark.parametrize(
    "changes", [{"consumer_key": "ck_other"}, {"consumer_secret": ""}, {"consumer_secret": "cs_ö"}]
)
async def test_a_wrong_key_is_refused_and_not_shown(api: WoocommerceApi, changes: dict[str, str]) -> None:
    access = Access(base_url=BASE_URL, account="", site="", credentials={**_CREDENTIALS, **changes})

    with pytest.raises(ApiRefuses, match="401") as raised:
        await api.changed_orders(access, SINCE, None)
    with pytest.raises(ApiRefuses, match="401"):
        await api.order(access, "1")

    assert "ck_" not in str(raised.value)
    assert "cs_" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 405, 422, 501])
async def test_what_somebody_must_change_is_a_refusal(
    api: WoocommerceApi, server: WoocommerceServer, status: int
) -> None:
    server.fail_next(status, {"location": f"{BASE_URL}{_LIST}"})

    with pytest.raises(ApiRefuses):
        await api.changed_orders(ACCESS, SINCE, None)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "after_seconds"),
    [(429, {"retry-after": "30"}, 30.0), (429, {}, None), (500, {}, None), (503, {}, None)],
)
async def test_what_passes_is_asked_again_when_the_site_says(
    api: WoocommerceApi, server: WoocommerceServer, status: int, headers: dict[str, str], after_seconds: float | None
) -> None:
    server.fail_next(status, headers)
    server.fail_next(status, headers)

    for asking in (api.changed_orders(ACCESS, SINCE, None), api.order(ACCESS, "1")):
        with pytest.raises(ApiAway) as raised:
            await asking
        assert raised.value.after_seconds == after_seconds


@pytest.mark.parametrize("body", [b"<html>Briefly unavailable</html>", b"", b"Notice: x in y.php [1]", b"[1]]"])
async def test_an_answer_that_is_none_is_asked_for_again(
    api: WoocommerceApi, server: WoocommerceServer, body: bytes
) -> None:
    server.fail_next(200, {"x-wp-totalpages": "1"}, body)
    server.fail_next(200, body=body)

    with pytest.raises(ApiAway):
        await api.changed_orders(ACCESS, SINCE, None)
    with pytest.raises(ApiAway):
        await api.order(ACCESS, "1")


@pytest.mark.parametrize(
    "headers", [{}, {"x-wp-totalpages": ""}, {"x-wp-totalpages": "many"}, {"x-wp-totalpages": "-1"}]
)
async def test_a_list_that_does_not_say_how_long_it_is_is_no_end(
    api: WoocommerceApi, server: WoocommerceServer, headers: dict[str, str]
) -> None:
    server.fail_next(200, headers, b"[]")

    with pytest.raises(ApiAway, match="pages"):
        await api.changed_orders(ACCESS, SINCE, None)


@pytest.mark.parametrize("order", [b"{}", b'{"date_modified_gmt":null}', b'{"date_modified_gmt":"yesterday"}', b"7"])
async def test_an_order_without_its_time_of_change_is_no_place_to_go_on_from(
    api: WoocommerceApi, server: WoocommerceServer, order: bytes
) -> None:
    server.fail_next(200, {"x-wp-totalpages": "2"}, b"[" + order + b"]")

    with pytest.raises(ApiAway):
        await api.changed_orders(ACCESS, SINCE, None)


async def test_a_site_that_filters_nothing_is_refused(api: WoocommerceApi, server: WoocommerceServer) -> None:
    text = server.put(_changed(1, after=-3600))
    server.fail_next(200, {"x-wp-totalpages": "9"}, b"[" + text + b"]")

    with pytest.raises(ApiRefuses, match=r"5\.8"):
        await api.changed_orders(ACCESS, SINCE, None)


async def test_orders_that_the_key_may_not_read_are_no_end(api: WoocommerceApi, server: WoocommerceServer) -> None:
    server.fail_next(200, {"x-wp-totalpages": "9"}, b"[]")

    with pytest.raises(ApiRefuses, match="may not read"):
        await api.changed_orders(ACCESS, SINCE, None)
