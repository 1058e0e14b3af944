"""BigCommerce's API, asked: nothing is passed over, nothing needless is asked for, refusals in our words."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from services.order_ingest.adapters.store_apis.bigcommerce import BigcommerceApi
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Document
from services.order_ingest.domain.changes import LineQuantity, OrderSeen, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import bigcommerce
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_bigcommerce as bodies
from tests.services.order_ingest.desk import NOW, storefront
from tests.services.order_ingest.stores.bigcommerce_server import BigcommerceServer

SINCE = datetime(2026, 5, 2, 10, tzinfo=UTC)
_ORIGIN = "https://api.bigcommerce.com"


@pytest.fixture
def server() -> BigcommerceServer:
    return BigcommerceServer(store_hash=bodies.STORE_HASH)


@pytest.fixture
async def api(server: BigcommerceServer) -> AsyncIterator[BigcommerceApi]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app)) as http:
        yield BigcommerceApi(http)


def _access(token: str = "a-token", store_hash: str = bodies.STORE_HASH) -> Access:
    return Access(
        base_url=f"{_ORIGIN}/stores/{store_hash}", account=store_hash, site="", credentials={"access_token": token}
    )


def _put(server: BigcommerceServer, order_id: int, at: datetime, **changes: Any) -> None:
    order = bodies.order(id=order_id, date_modified=format_datetime(at), coupon_discount="0.0000", **changes)
    server.put(order, products=[bodies.product(order_id=order_id)])


def _read(document: Document) -> Any:
    shop = storefront("bigcommerce", account=bodies.STORE_HASH)
    return bigcommerce.parse(load(document), Arrival(topic=PULLED, at=NOW), shop)


def _id(document: Document) -> int:
    found = load(document)["order"]["id"]
    assert isinstance(found, int)
    return found


async def _all(api: BigcommerceApi, since: datetime = SINCE) -> list[int]:
    """The numbers of all that changed, as they come."""
    return [_id(document) for page in await _pages(api, since) for document in page]


async def _pages(api: BigcommerceApi, since: datetime = SINCE) -> list[list[Document]]:
    pages, cursor = [], None
    while True:
        page = await api.changed_orders(_access(), since, cursor)
        pages.append(list(page.documents))
        cursor = page.next_cursor
        if cursor is None:
            return pages


async def test_every_order_comes_once_in_the_order_of_the_changes(
    api: BigcommerceApi, server: BigcommerceServer
) -> None:
    for place in range(65):
        _put(server, 900 - place, SINCE + timedelta(seconds=place))

    found = await _all(api)

    assert found == [900 - place for place in range(65)]
    assert [path for path in server.paths if path.endswith("/products")] == [
        f"/v2/orders/{order_id}/products" for order_id in found
    ]


async def test_what_changed_at_the_very_second_is_included_and_what_changed_before_is_not(
    api: BigcommerceApi, server: BigcommerceServer
) -> None:
    for order_id, seconds in ((1, -1), (2, 0), (3, 1)):
        _put(server, order_id, SINCE + timedelta(seconds=seconds))

    # The platform has whole seconds: what changed later in the second of the question shows its beginning.
    assert await _all(api) == [2, 3]
    assert await _all(api, SINCE + timedelta(microseconds=999_999)) == [2, 3]
    assert await _all(api, SINCE.astimezone()) == [2, 3]


async def test_nothing_changed(api: BigcommerceApi, server: BigcommerceServer) -> None:
    _put(server, 1, SINCE - timedelta(days=1))

    assert await _pages(api) == [[]]


@pytest.mark.parametrize("count", [19, 20, 21, 40, 41, 65])
@pytest.mark.parametrize("around", [0, 1, 30])
async def test_orders_of_one_second_come_once_however_many(
    api: BigcommerceApi, server: BigcommerceServer, count: int, around: int
) -> None:
    for place in range(around):
        _put(server, 10 + place, SINCE + timedelta(seconds=place))
        _put(server, 500 + place, SINCE + timedelta(minutes=1, seconds=1 + place))
    for place in range(count):
        _put(server, 100 + place, SINCE + timedelta(minutes=1))

    found = await _all(api)

    assert len(found) == len(set(found)) == count + 2 * around
    assert found[:around] == list(range(10, 10 + around))
    assert found[around + count :] == list(range(500, 500 + around))


@pytest.mark.parametrize("changed", [100, 105, 119])
async def test_an_order_that_changes_while_its_second_is_read_pushes_none_over_the_edge(
    api: BigcommerceApi, server: BigcommerceServer, changed: int
) -> None:
    for place in range(50):
        _put(server, 100 + place, SINCE)
    found, cursor = [], None
    while True:
        page = await api.changed_orders(_access(), SINCE, cursor)
        found += [_id(document) for document in page.documents]
        cursor = page.next_cursor
        if cursor is None:
            break
        if len(found) == 20:
            server.change(changed, date_modified=format_datetime(SINCE + timedelta(hours=1)))

    assert found == [*range(100, 150), changed]


async def test_orders_that_change_between_pages_push_none_over_the_edge(
    api: BigcommerceApi, server: BigcommerceServer
) -> None:
    for place in range(60):
        _put(server, 100 + place, SINCE + timedelta(seconds=place))
    first = await api.changed_orders(_access(), SINCE, None)
    for place in range(10):
        server.change(100 + place, date_modified=format_datetime(SINCE + timedelta(hours=1, seconds=place)))
    found, cursor = [], first.next_cursor
    while cursor is not None:
        page = await api.changed_orders(_access(), SINCE, cursor)
        found += [_id(document) for document in page.documents]
        cursor = page.next_cursor

    assert [_id(document) for document in first.documents] == list(range(100, 119))
    assert found == [*range(119, 160), *range(100, 110)]


async def test_a_page_asked_for_again_is_the_same(api: BigcommerceApi, server: BigcommerceServer) -> None:
    for place in range(45):
        _put(server, 100 + place, SINCE + timedelta(seconds=place // 30))
    first = await api.changed_orders(_access(), SINCE, None)

    again = [await api.changed_orders(_access(), SINCE, first.next_cursor) for _ in range(2)]

    assert again[0] == again[1]


async def test_an_order_is_the_same_document_pulled_alone_and_in_a_page(
    api: BigcommerceApi, server: BigcommerceServer
) -> None:
    server.put(bodies.order(fees=[bodies.fee()]), products=[bodies.product()], coupons=[bodies.coupon()])

    [[paged]] = await _pages(api)

    assert paged == await api.order(_access(), "727")
    assert [line.title for line in _read(paged).content.lines] == ["Mug & Spoon", "Package protection"]


async def test_the_whole_document_is_read_as_the_order_that_it_is(
    api: BigcommerceApi, server: BigcommerceServer
) -> None:
    server.put(
        bodies.order(status_id=14, payment_status="partially refunded", items_shipped=3),
        products=[bodies.product(quantity_refunded=1, is_refunded=True, quantity_shipped=3)],
        refunds=[bodies.refund()],
        shipments=[bodies.shipment()],
        coupons=[bodies.coupon()],
    )

    document = await api.order(_access(), "727")

    assert document is not None
    seen = _read(document)
    assert isinstance(seen, OrderSeen)
    assert (seen.external_id, seen.remark, seen.content.total_minor) == ("727", None, 3978)
    assert seen.content.financial_status == "partially_refunded"
    assert seen.content.coupon_codes == ("SPRING",)
    assert [(back.external_id, back.amount_minor) for back in seen.refunds] == [("801", 968)]
    assert [(parcel.external_id, parcel.lines) for parcel in seen.fulfilments] == [("6", (LineQuantity("315", 3),))]
    assert server.paths == [
        "/v2/orders/727",
        "/v2/orders/727/products",
        "/v3/orders/727/payment_actions/refunds",
        "/v2/orders/727/shipments",
        "/v2/orders/727/coupons",
    ]


async def test_numbers_come_as_they_were_written(api: BigcommerceApi, server: BigcommerceServer) -> None:
    written = b'{"id": 727, "status_id": 0, "payment_status": "", "total": 1.10, "big": 12345678901234567890123}'
    server.fail_next(200, body=written)

    assert await api.order(_access(), "727") == b'{"order":' + written + b"}"


@pytest.mark.parametrize(
    ("order", "product", "asked"),
    [
        ({"coupon_discount": "0.0000"}, {}, set()),
        ({"coupon_discount": "0"}, {}, set()),
        ({"coupon_discount": "3.0000"}, {}, {"coupons"}),
        ({"coupon_discount": 0, "status_id": 4}, {}, {"refunds"}),
        ({"coupon_discount": 0, "status_id": 14}, {}, {"refunds"}),
        ({"coupon_discount": 0, "payment_status": "refunded"}, {}, {"refunds"}),
        ({"coupon_discount": 0, "payment_status": "partially refunded"}, {}, {"refunds"}),
        ({"coupon_discount": 0, "refunded_amount": "1.0000"}, {}, {"refunds"}),
        ({"coupon_discount": 0}, {"quantity_refunded": 1}, {"refunds"}),
        ({"coupon_discount": 0}, {"is_refunded": True}, {"refunds"}),
        ({"coupon_discount": 0, "status_id": 2}, {}, {"shipments"}),
        ({"coupon_discount": 0, "status_id": 3}, {}, {"shipments"}),
        ({"coupon_discount": 0, "items_shipped": 1}, {}, {"shipments"}),
        ({"coupon_discount": 0, "date_shipped": "Mon, 04 May 2026 09:00:00 +0000"}, {}, {"shipments"}),
        ({"coupon_discount": 0}, {"quantity_shipped": 1}, {"shipments"}),
        ({"coupon_discount": 0, "status_id": 5}, {}, set()),
    ],
)
async def test_only_what_the_order_says_it_has_is_asked_for(
    api: BigcommerceApi,
    server: BigcommerceServer,
    order: dict[str, Any],
    product: dict[str, Any],
    asked: set[str],
) -> None:
    server.put(bodies.order(**order), products=[bodies.product(**product)])

    document = await api.order(_access(), "727")

    assert document is not None
    assert {path.rpartition("/")[2] for path in server.paths[2:]} == asked
    assert server.paths[:2] == ["/v2/orders/727", "/v2/orders/727/products"]
    assert isinstance(_read(document), OrderSeen)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"status_id": 0, "payment_status": ""}, Unheeded),
        ({"status_id": 1, "payment_status": "pending"}, Unheeded),
    ],
)
async def test_of_what_is_no_order_nothing_more_is_asked_for(
    api: BigcommerceApi, server: BigcommerceServer, changes: dict[str, Any], kind: type
) -> None:
    server.put(bodies.order(**changes), products=[bodies.product()])

    document = await api.order(_access(), "727")

    assert document is not None
    assert isinstance(_read(document), kind)
    assert server.paths == ["/v2/orders/727"]


async def test_lists_longer_than_a_page_are_read_to_their_end(api: BigcommerceApi, server: BigcommerceServer) -> None:
    lines = [bodies.product(id=number) for number in range(1, 101)]
    server.put(bodies.order(coupon_discount=0), products=lines)

    document = await api.order(_access(), "727")

    assert document is not None
    assert [line.external_id for line in _read(document).content.lines] == [str(number) for number in range(1, 101)]
    assert server.asked[1:] == [f"/v2/orders/727/products?page={page}&limit=50" for page in (1, 2, 3)]


async def test_a_list_without_end_is_refused(api: BigcommerceApi, server: BigcommerceServer) -> None:
    server.put(bodies.order(), products=[bodies.product(id=number) for number in range(2000)])

    with pytest.raises(ApiRefuses, match="more than 2000 entries in products"):
        await api.order(_access(), "727")


@pytest.mark.parametrize("changes", [{"status_id": "11"}, {"id": 727, "coupon_discount": "?"}, {"items_shipped": 1.5}])
async def test_an_order_that_cannot_be_understood_is_told_all_the_same(
    api: BigcommerceApi, server: BigcommerceServer, changes: dict[str, Any]
) -> None:
    _put(server, 700, SINCE)
    server.put(bodies.order(**changes), products=[bodies.product(quantity="3")])

    [[good, odd]] = await _pages(api)

    assert (_id(good), _id(odd)) == (700, 727)
    with pytest.raises(Malformed):
        _read(odd)


async def test_an_order_that_goes_while_it_is_asked_for_is_left_out(
    api: BigcommerceApi, server: BigcommerceServer
) -> None:
    for order_id in (1, 2, 3):
        _put(server, order_id, SINCE)
    server.before_answer = lambda path: server.forget(2) if path == "/v2/orders/2/products" else None

    assert sorted(await _all(api)) == [1, 3]


@pytest.mark.parametrize(
    "external_id", ["728", "0", "", "abc", "727/products", "../orders/727", "727?x=1", "７27", "-1"]
)
async def test_an_order_that_does_not_exist_is_none(
    api: BigcommerceApi, server: BigcommerceServer, external_id: str
) -> None:
    server.put(bodies.order(), products=[bodies.product()])

    assert await api.order(_access(), external_id) is None
    assert server.paths in ([], [f"/v2/orders/{external_id}"])


async def _asked(api: BigcommerceApi, way: str, access: Access | None = None) -> Any:
    if way == "order":
        return await api.order(access or _access(), "727")
    return await api.changed_orders(access or _access(), SINCE, None)


_WAYS = pytest.mark.parametrize("way", ["order", "list"])


@_WAYS
@pytest.mark.parametrize("access", [_access("another-token"), _access(store_hash="another")])
async def test_wrong_credentials_and_another_store_are_refused(
    api: BigcommerceApi, server: BigcommerceServer, way: str, access: Access
) -> None:
    server.put(bodies.order())

    with pytest.raises(ApiRefuses) as refusal:
        await _asked(api, way, access)

    assert "token" not in str(refusal.value)


@_WAYS
@pytest.mark.parametrize("status", [400, 401, 403, 406, 413, 422, 301, 302])
async def test_what_will_not_change_by_itself_is_refused(
    api: BigcommerceApi, server: BigcommerceServer, way: str, status: int
) -> None:
    server.fail_next(status, {"Location": "https://elsewhere.example/v2/orders"})

    with pytest.raises(ApiRefuses, match=str(status)):
        await _asked(api, way)

    assert len(server.asked) == 1


@_WAYS
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-Rate-Limit-Time-Reset-Ms": "15000"}, 15.0),
        ({"x-rate-limit-time-reset-ms": "1"}, 0.001),
        ({"Retry-After": "7", "X-Rate-Limit-Time-Reset-Ms": "15000"}, 7.0),
        ({"Retry-After": "7"}, 7.0),
        ({"X-Rate-Limit-Time-Reset-Ms": "9" * 400}, 3600.0),
        ({"X-Rate-Limit-Time-Reset-Ms": "soon"}, None),
        ({"X-Rate-Limit-Time-Reset-Ms": "-5"}, None),
        ({"X-Rate-Limit-Time-Reset-Ms": "nan"}, None),
        ({}, None),
    ],
)
async def test_too_many_questions_wait_as_long_as_the_platform_says(
    api: BigcommerceApi, server: BigcommerceServer, way: str, headers: dict[str, str], seconds: float | None
) -> None:
    server.fail_next(429, headers)

    with pytest.raises(ApiAway) as away:
        await _asked(api, way)

    assert away.value.after_seconds == seconds


@_WAYS
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_broken_platform_is_away(api: BigcommerceApi, server: BigcommerceServer, way: str, status: int) -> None:
    server.fail_next(status)

    with pytest.raises(ApiAway):
        await _asked(api, way)


@_WAYS
@pytest.mark.parametrize("after", range(5))
async def test_an_order_is_whole_or_not_there(
    api: BigcommerceApi, server: BigcommerceServer, way: str, after: int
) -> None:
    server.put(
        bodies.order(status_id=14, items_shipped=3),
        products=[bodies.product()],
        refunds=[bodies.refund()],
        shipments=[bodies.shipment()],
        coupons=[bodies.coupon()],
    )
    server.fail_next(503, {"X-Rate-Limit-Time-Reset-Ms": "2000"}, after=after)

    with pytest.raises(ApiAway) as away:
        await _asked(api, way)

    assert away.value.after_seconds == 2.0
    assert len(server.asked) == after + 1


@_WAYS
@pytest.mark.parametrize(
    "body", [b"<html><body>Down for maintenance</body></html>", b"{", b"\xff\xfe", b'"', b'[{"id": 1}', b"[]]"]
)
async def test_a_page_of_html_or_half_an_answer_is_away(
    api: BigcommerceApi, server: BigcommerceServer, way: str, body: bytes
) -> None:
    server.fail_next(200, {"Content-Type": "text/html"}, body)

    with pytest.raises(ApiAway):
        await _asked(api, way)


@pytest.mark.parametrize(
    "orders",
    [
        [bodies.order(id=number, date_modified="") for number in range(20)],
        [bodies.order(id=number, date_modified="2026-05-02") for number in range(20)],
        # Not sorted: those behind the page's end may be older than those on it.
        [bodies.order(id=number, date_modified=f"Sat, 02 May 2026 10:15:{59 - number} +0000") for number in range(20)],
    ],
)
async def test_a_full_page_that_does_not_say_how_far_it_goes_is_away(
    api: BigcommerceApi, server: BigcommerceServer, orders: list[dict[str, Any]]
) -> None:
    server.fail_next(200, body=httpx.Request("POST", _ORIGIN, json=orders).content)

    with pytest.raises(ApiAway):
        await _asked(api, "list")


async def test_no_answer_at_all_is_away() -> None:
    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(unreachable)) as http:
        for way in ("order", "list"):
            with pytest.raises(ApiAway):
                await _asked(BigcommerceApi(http), way)


async def test_an_address_without_orders_is_refused() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(404))) as http:
        with pytest.raises(ApiRefuses):
            await _asked(BigcommerceApi(http), "list")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v2/orders", {}, 204),
        ("/v2/orders", {"X-Auth-Token": ""}, 401),
        ("/v2/orders", {"Accept": "*/*"}, 406),
        ("/v2/orders", {"Authorization": "Bearer a-token"}, 400),
        ("/v2/orders?min_date_modified=2026-05-02", {}, 400),
        ("/v2/orders?min_date_modified=Sat,+02+May+2026+10:15:08+0000", {}, 400),
        ("/v2/orders?sort=date_modified:up", {}, 400),
        ("/v2/orders?sort=total", {}, 400),
        ("/v2/orders?limit=251", {}, 413),
        ("/v2/orders?page=0", {}, 400),
        ("/v2/orders?page=1&page=2", {}, 400),
        ("/v2/orders?include=products", {}, 400),
        ("/v2/orders?is_deleted=true", {}, 400),
        ("/v2/orders/", {}, 400),
        ("/v2/orders/727", {}, 404),
        ("/v2/orders/abc", {}, 400),
        ("/v2/orders/727/products?sort=id", {}, 400),
        ("/v2/orders/727/refunds", {}, 400),
        ("/v3/orders/727", {}, 400),
        ("/v3/orders/727/payment_actions/refunds?page=1", {}, 400),
    ],
)
async def test_the_stand_in_refuses_what_is_not_documented(
    server: BigcommerceServer, path: str, headers: dict[str, str], status: int
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app)) as http:
        good = {"X-Auth-Token": "a-token", "Accept": "application/json"}
        answer = await http.get(f"{_ORIGIN}/stores/{bodies.STORE_HASH}{path}", headers={**good, **headers})

    assert answer.status_code == status
