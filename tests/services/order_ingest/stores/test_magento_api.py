"""Magento's API client against the stand-in: whole lists whatever happens meanwhile, and refusals in our words."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from services.order_ingest.adapters.store_apis.magento import MagentoApi
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Document, Page
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.platforms import magento
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_magento as bodies
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.desk import NOW, storefront
from tests.services.order_ingest.stores.magento_server import BASE_URL, TOKEN, MagentoServer

SINCE = datetime(2026, 5, 2, 10, 15, 8, tzinfo=UTC)
ACCESS = Access(base_url=BASE_URL, account="", site="", credentials={"access_token": TOKEN})
_PARTS = ["creditmemos", "shipments", "invoices"]
_PER_PAGE = 20


@pytest.fixture
def server() -> MagentoServer:
    return MagentoServer()


@pytest.fixture
async def api(server: MagentoServer) -> AsyncIterator[MagentoApi]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        yield MagentoApi(client)


def _changed(number: int, after: int = 0, **changes: Any) -> bodies.Body:
    at = (SINCE + timedelta(seconds=after)).strftime("%Y-%m-%d %H:%M:%S")
    return bodies.order(entity_id=number, updated_at=at, **changes)


def _ids(page: Page) -> list[Any]:
    return [load(document)["order"]["entity_id"] for document in page.documents]


async def _pages(api: MagentoApi, since: datetime = SINCE) -> list[Page]:
    pages = [await api.changed_orders(ACCESS, since, None)]
    while pages[-1].next_cursor is not None:
        pages.append(await api.changed_orders(ACCESS, since, pages[-1].next_cursor))
        assert len(pages) < 50
    return pages


def _found(pages: list[Page]) -> list[Any]:
    return [number for page in pages for number in _ids(page)]


def _parsed(document: Document | bytes | None) -> OrderSeen:
    assert document is not None
    found = magento.parse(load(document), Arrival(topic=PULLED, at=NOW), storefront("magento"))
    assert isinstance(found, OrderSeen)
    return found


@pytest.mark.parametrize("count", [1, 19, 20, 21, 40, 41, 65])
async def test_all_come_once_and_those_that_changed_first_first(
    api: MagentoApi, server: MagentoServer, count: int
) -> None:
    for number in range(1, count + 1):
        server.put(_changed(number, after=(number * 7) % 97))

    pages = await _pages(api)

    assert _found(pages) == sorted(range(1, count + 1), key=lambda number: (number * 7) % 97)
    assert len(pages) == -(-count // _PER_PAGE)
    assert [kind for kind, _ in server.asked] == ["orders", *_PARTS] * len(pages)


@pytest.mark.parametrize("per_second", [3, 20, 50])
async def test_orders_of_one_second_are_all_there_across_pages(
    api: MagentoApi, server: MagentoServer, per_second: int
) -> None:
    for number in range(50, 0, -1):
        server.put(_changed(number, after=number // per_second))

    assert _found(await _pages(api)) == list(range(1, 51))


async def test_what_changed_in_the_very_second_is_among_it_and_what_changed_before_is_not(
    api: MagentoApi, server: MagentoServer
) -> None:
    server.put(_changed(1, after=-1))
    server.put(_changed(2))
    server.put(_changed(3, after=1))

    assert _found(await _pages(api, SINCE + timedelta(milliseconds=999))) == [2, 3]


async def test_the_store_is_asked_in_utc(api: MagentoApi, server: MagentoServer) -> None:
    server.put(_changed(2))

    found = await _pages(api, SINCE.astimezone(timezone(timedelta(hours=9))))

    assert _found(found) == [2]
    assert "2026-05-02 10:15:08" in server.asked[0][1].values()


async def test_where_nothing_changed_nothing_more_is_asked(api: MagentoApi, server: MagentoServer) -> None:
    server.put(_changed(1, after=-1))

    page = await api.changed_orders(ACCESS, SINCE, None)

    assert (page.documents, page.next_cursor) == ((), None)
    assert len(server.asked) == 1


@pytest.mark.parametrize("moving", [1, 20, 21, 30])
async def test_an_order_that_changes_meanwhile_comes_as_it_is_then_and_no_other_is_lost(
    api: MagentoApi, server: MagentoServer, moving: int
) -> None:
    for number in range(1, 46):
        server.put(_changed(number, after=number))

    first = await api.changed_orders(ACCESS, SINCE, None)
    server.put(_changed(moving, after=100, state="complete"))
    second = await api.changed_orders(ACCESS, SINCE, first.next_cursor)
    third = await api.changed_orders(ACCESS, SINCE, second.next_cursor)

    found = _found([first, second, third])
    assert third.next_cursor is None
    assert set(found) == set(range(1, 46))
    assert found[-1] == moving
    assert load(third.documents[-1])["order"]["state"] == "complete"
    assert len(found) == (46 if moving <= 20 else 45)


async def test_an_order_that_leaves_a_crowded_second_takes_no_other_with_it(
    api: MagentoApi, server: MagentoServer
) -> None:
    for number in range(1, 61):
        server.put(_changed(number))

    first = await api.changed_orders(ACCESS, SINCE, None)
    server.put(_changed(5, after=1))
    rest = [await api.changed_orders(ACCESS, SINCE, first.next_cursor)]
    while rest[-1].next_cursor:
        rest.append(await api.changed_orders(ACCESS, SINCE, rest[-1].next_cursor))

    assert _found([first, *rest]) == [*range(1, 61), 5]


async def test_an_orders_parts_come_with_it_and_with_no_other(api: MagentoApi, server: MagentoServer) -> None:
    makers = {"creditmemos": bodies.memo, "shipments": bodies.shipment, "invoices": bodies.invoice}
    for number in (1, 2, 3):
        server.put(_changed(number, after=number))
    for kind, make in makers.items():
        for entity_id, order_id in ((30, 1), (10, 1), (20, 3), (40, 9)):
            server.put(make(entity_id=entity_id, order_id=order_id), kind)

    [page] = await _pages(api)

    documents = [load(document) for document in page.documents]
    for kind in _PARTS:
        assert [[part["entity_id"] for part in each[kind]] for each in documents] == [[10, 30], [], [20]]
    assert [list(each) for each in documents] == [["order", *_PARTS]] * 3


async def test_more_parts_than_a_page_holds_come_all(api: MagentoApi, server: MagentoServer) -> None:
    server.put(_changed(7))
    for entity_id in range(1, 251):
        server.put(bodies.shipment(entity_id=entity_id, order_id=7), "shipments")

    document = await api.order(ACCESS, "7")

    assert document is not None
    assert [sent["entity_id"] for sent in load(document)["shipments"]] == list(range(1, 251))
    assert [kind for kind, _ in server.asked] == ["order", "creditmemos", *["shipments"] * 3, "invoices"]


_WHOLE = bodies.document(
    bodies.order(
        **{**bodies.COMPLETE, "grand_total": 92.48, "discount_amount": -3, "tax_amount": 3.48, "total_paid": 72.86},
        total_refunded=9.68,
        total_canceled=19.62,
        tax_canceled=1.62,
        discount_canceled=2,
        items=[
            bodies.row(qty_canceled=2, weee_tax_applied_row_amount=0.3, discount_tax_compensation_amount=0.1),
            *bodies.bundle(27, 5, discount=1, tax=1),
            *bodies.configurable(),
        ],
    ),
    creditmemos=[bodies.memo(shipping_amount=10, discount_amount=-6, shipping_discount_tax_compensation_amount=0.5)],
    shipments=[bodies.shipment()],
    invoices=[bodies.invoice(), bodies.invoice(entity_id=602, state=1, created_at="2026-05-20 10:00:00")],
)
_DOCUMENTS = [
    bodies.document(),
    _WHOLE,
    bodies.document(bodies.order(**bodies.GUEST, billing_address=None)),
    bodies.document(bodies.order(**bodies.GUEST, billing_address=[], extension_attributes=[], items=[])),
    bodies.document(bodies.order(**bodies.CANCELED, shipping_discount_amount=1, coupon_code=None)),
    bodies.document(bodies.order(state="processing", payment={"amount_authorized": 39.78})),
    bodies.document(bodies.order(**bodies.PAID), shipments=[bodies.shipment(items=[])]),
]


def _put(server: MagentoServer, document: bodies.Body) -> None:
    server.put(document["order"])
    for kind in _PARTS:
        for part in document[kind]:
            server.put(part, kind)


@pytest.mark.parametrize("document", _DOCUMENTS)
async def test_a_fetched_order_says_what_the_whole_answer_says(
    api: MagentoApi, server: MagentoServer, document: bodies.Body
) -> None:
    _put(server, document)

    alone = await api.order(ACCESS, "727")
    [page] = await _pages(api, SINCE - timedelta(hours=1))

    assert _parsed(alone) == _parsed(encoded(document))
    assert page.documents == [alone]


async def test_a_fetched_order_is_read(api: MagentoApi, server: MagentoServer) -> None:
    _put(server, bodies.document(bodies.order(**bodies.PAID), invoices=[bodies.invoice()]))

    seen = _parsed(await api.order(ACCESS, "727"))

    assert (seen.external_id, seen.content.total_minor, seen.remark) == ("727", 3978, None)
    assert (seen.person.email, seen.person.region) == ("ann@example.com", "US")
    assert seen.paid_at == datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)


async def test_what_nobody_reads_is_not_fetched(api: MagentoApi, server: MagentoServer) -> None:
    _put(server, _WHOLE)

    document = await api.order(ACCESS, "727")

    assert document is not None
    for unread in (b"203.0.113.7", b"1111", b"JVBERi0", b"969 Market", b"MUG-3-"):
        assert unread not in document


async def test_equal_orders_are_equal_bytes(api: MagentoApi, server: MagentoServer) -> None:
    _put(server, _WHOLE)

    assert await api.order(ACCESS, "727") == await api.order(ACCESS, "727")


async def test_numbers_come_as_the_store_wrote_them(api: MagentoApi, server: MagentoServer) -> None:
    server.put(_changed(1, grand_total=0.1 + 0.2))

    document = await api.order(ACCESS, "1")

    assert document is not None
    assert b'"grand_total": 0.30000000000000004' in document


async def test_an_order_that_does_not_exist_is_none(api: MagentoApi) -> None:
    assert await api.order(ACCESS, "999") is None


@pytest.mark.parametrize("external_id", ["", "0", "007", "-1", "1e3", "7?x=1", "../1", "٧", "00727-1", "9" * 11])
async def test_what_cannot_be_an_id_is_not_asked_for(api: MagentoApi, server: MagentoServer, external_id: str) -> None:
    assert await api.order(ACCESS, external_id) is None
    assert server.asked == []


async def _ask_list(api: MagentoApi, access: Access = ACCESS) -> object:
    return await api.changed_orders(access, SINCE, None)


async def _ask_one(api: MagentoApi, access: Access = ACCESS) -> object:
    return await api.order(access, "1")


_ASKING = [_ask_list, _ask_one]
_AT = [0, 1, 2, 3]
"""The order, or one of its parts."""


@pytest.mark.parametrize("ask", _ASKING)
async def test_a_wrong_token_is_refused_and_not_told(api: MagentoApi, server: MagentoServer, ask: Any) -> None:
    access = Access(base_url=BASE_URL, account="", site="", credentials={"access_token": "s3cret"})

    with pytest.raises(ApiRefuses, match="401") as refusal:
        await ask(api, access)

    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("ask", _ASKING)
@pytest.mark.parametrize("after", _AT)
@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 405, 406])
async def test_what_somebody_must_change_is_a_refusal(
    api: MagentoApi, server: MagentoServer, ask: Any, after: int, status: int
) -> None:
    server.put(_changed(1))
    server.fail_next(status, {"location": "https://elsewhere.example"}, b"<html>secret</html>", after=after)

    with pytest.raises(ApiRefuses, match=str(status)) as refusal:
        await ask(api)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("ask", _ASKING)
@pytest.mark.parametrize("after", _AT)
@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_store_that_is_away_may_say_for_how_long(
    api: MagentoApi, server: MagentoServer, ask: Any, after: int, status: int
) -> None:
    server.put(_changed(1))
    server.fail_next(status, {"Retry-After": "17"}, after=after)

    with pytest.raises(ApiAway) as away:
        await ask(api)

    assert away.value.after_seconds == 17


async def test_a_store_that_does_not_say_for_how_long_has_no_wish(api: MagentoApi, server: MagentoServer) -> None:
    server.fail_next(500)

    with pytest.raises(ApiAway) as away:
        await _ask_list(api)

    assert away.value.after_seconds is None


@pytest.mark.parametrize("ask", _ASKING)
@pytest.mark.parametrize("after", _AT)
@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>We are down for maintenance</body></html>",
        b"",
        b"[]",
        b"7",
        b"null",
        b"{}",
        b'{"message":"Something went wrong"}',
        b'{"items":[{"entity_id":1}]}',
        b'{"items":[7],"total_count":1}',
        b'{"items":[{}],"total_count":1}',
        b'{"items":[{"entity_id":"x"}],"total_count":1}',
        b'{"items":{"0":{}},"total_count":1}',
        b'{"items":[{"entity_id":1,"order_id":1}],"total_count":null}',
        b'{"items":[{"entity_id":1',
    ],
)
async def test_what_is_not_an_answer_of_magento_may_be_one_later(
    api: MagentoApi, server: MagentoServer, ask: Any, after: int, body: bytes
) -> None:
    server.put(_changed(1))
    server.fail_next(200, {"content-type": "text/html"}, body, after=after)

    with pytest.raises(ApiAway):
        await ask(api)


@pytest.mark.parametrize("updated_at", [b"null", b'""', b'"yesterday"', b"7"])
async def test_an_order_without_a_place_ends_the_page(
    api: MagentoApi, server: MagentoServer, updated_at: bytes
) -> None:
    server.fail_next(200, body=b'{"items":[{"entity_id":1,"updated_at":%b}],"total_count":2}' % updated_at)

    with pytest.raises(ApiAway, match="updated_at"):
        await _ask_list(api)


@pytest.mark.parametrize("base_url", ["https://shop.example.com", "https://shop.example.com/shop/rest"])
async def test_an_address_that_is_not_the_stores_is_refused(api: MagentoApi, base_url: str) -> None:
    access = Access(base_url=base_url, account="", site="", credentials={"access_token": TOKEN})

    with pytest.raises(ApiRefuses, match="/rest/V1/orders"):
        await _ask_list(api, access)


async def test_parts_that_the_store_does_not_have_at_all_are_refused(api: MagentoApi, server: MagentoServer) -> None:
    server.put(_changed(1))
    server.fail_next(404, after=1)

    with pytest.raises(ApiRefuses, match="creditmemos"):
        await _ask_one(api)


async def test_a_store_that_does_not_heed_filters_is_not_read_without_an_end(
    api: MagentoApi, server: MagentoServer
) -> None:
    for number in range(1, 31):
        server.put(_changed(number, after=number))
    server.heeds_filters = False

    with pytest.raises(ApiRefuses, match="order that was asked for"):
        await _pages(api)


async def test_parts_that_do_not_heed_filters_are_not_read_without_an_end(
    api: MagentoApi, server: MagentoServer
) -> None:
    server.put(_changed(7))
    for entity_id in range(1, 151):
        server.put(bodies.memo(entity_id=entity_id, order_id=7), "creditmemos")
    server.heeds_filters = False

    with pytest.raises(ApiRefuses, match="order that was asked for"):
        await api.order(ACCESS, "7")


_HEADERS = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
_PAGING = "searchCriteria[pageSize]=20&searchCriteria[currentPage]=1"
_CONDITION = "searchCriteria[filter_groups][0][filters][0]"


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("GET", f"/orders?{_PAGING}", {}, 200),
        ("GET", f"/orders?{_PAGING}", {"Authorization": ""}, 401),
        ("GET", f"/orders?{_PAGING}", {"Authorization": f"bearer {TOKEN}"}, 401),
        ("GET", f"/orders?{_PAGING}", {"Accept": "*/*"}, 406),
        ("POST", f"/orders?{_PAGING}", {}, 405),
        ("GET", "/order/1", {}, 404),
        ("GET", "/orders", {}, 400),
        ("GET", "/orders?searchCriteria[pageSize]=0&searchCriteria[currentPage]=1", {}, 400),
        ("GET", "/orders?searchCriteria[pageSize]=301&searchCriteria[currentPage]=1", {}, 400),
        ("GET", "/orders?searchCriteria[pageSize]=20", {}, 400),
        ("GET", f"/orders?{_PAGING}&{_PAGING}", {}, 400),
        ("GET", f"/orders?{_PAGING}&limit=5", {}, 400),
        ("GET", f"/orders?{_PAGING}&{_CONDITION}[field]=updated_at", {}, 400),
        (
            "GET",
            f"/orders?{_PAGING}&{_CONDITION}[field]=updated_at&{_CONDITION}[value]=2026-05-02T10:15:00Z"
            f"&{_CONDITION}[condition_type]=gteq",
            {},
            400,
        ),
        (
            "GET",
            f"/orders?{_PAGING}&{_CONDITION}[field]=changed_at&{_CONDITION}[value]=2026-05-02 10:15:00"
            f"&{_CONDITION}[condition_type]=gteq",
            {},
            400,
        ),
        ("GET", f"/orders?{_PAGING}&searchCriteria[sortOrders][1][field]=entity_id", {}, 400),
        ("GET", f"/orders?{_PAGING}&searchCriteria[sortOrders][0][field]=entity_id", {}, 400),
        ("GET", f"/orders?{_PAGING}&fields=items[entity_id],total_count", {}, 200),
        ("GET", f"/orders?{_PAGING}&fields=items[entity],total_count", {}, 400),
        ("GET", f"/orders?{_PAGING}&fields=items[entity_id", {}, 400),
        ("GET", f"/orders?{_PAGING}&fields=items[entity_id]],total_count", {}, 400),
        ("GET", f"/orders?{_PAGING}&fields=items entity_id", {}, 400),
        ("GET", "/orders/1", {}, 404),
        ("GET", "/orders/0", {}, 400),
        ("GET", "/orders/x", {}, 400),
        ("GET", "/orders/1?expand=items", {}, 400),
    ],
)
async def test_the_stand_in_takes_what_is_documented_only(
    server: MagentoServer, method: str, target: str, headers: dict[str, str], status: int
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        answer = await client.request(method, f"{BASE_URL}/rest/V1{target}", headers={**_HEADERS, **headers})

    assert answer.status_code == status
