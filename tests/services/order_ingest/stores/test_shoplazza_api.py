"""Shoplazza's API client against the stand-in: whole lists in whatever order they come, and refusals in our words."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import httpx
import pytest

from services.order_ingest.adapters.store_apis.shoplazza import ShoplazzaApi
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Page
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.platforms import shoplazza
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_shoplazza as bodies
from tests.services.order_ingest.desk import NOW, storefront
from tests.services.order_ingest.stores.shoplazza_server import BASE_URL, TOKEN, ShoplazzaServer, by_change, by_id

SINCE = datetime(2026, 5, 2, 10, 15, 5, tzinfo=UTC)
ACCESS = Access(base_url=BASE_URL, account="", site="", credentials={"access_token": TOKEN})
_LIST = "/openapi/2022-01/orders"


@pytest.fixture(params=["ids up", "ids down", "changes up", "changes down"])
def any_server(request: pytest.FixtureRequest) -> ShoplazzaServer:
    """The shop, its lists in each order that they might come in."""
    what, _, where = request.param.partition(" ")
    return ShoplazzaServer(by_id if what == "ids" else by_change, newest_first=where == "down")


@pytest.fixture
def server() -> ShoplazzaServer:
    return ShoplazzaServer()


async def _api_of(server: ShoplazzaServer) -> AsyncIterator[ShoplazzaApi]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        yield ShoplazzaApi(client)


@pytest.fixture
async def api(server: ShoplazzaServer) -> AsyncIterator[ShoplazzaApi]:
    async for made in _api_of(server):
        yield made


@pytest.fixture
async def any_api(any_server: ShoplazzaServer) -> AsyncIterator[ShoplazzaApi]:
    async for made in _api_of(any_server):
        yield made


def _changed(number: int, after: float = 0) -> dict[str, Any]:
    at = (SINCE + timedelta(seconds=after)).isoformat().replace("+00:00", "Z")
    return {"id": f"11218-{number:08}", "number": number, "updated_at": at}


def _numbers(page: Page) -> list[Any]:
    return [load(document)["number"] for document in page.documents]


async def _sweep(api: ShoplazzaApi, since: datetime = SINCE) -> list[Page]:
    pages = [await api.changed_orders(ACCESS, since, None)]
    while pages[-1].next_cursor is not None:
        pages.append(await api.changed_orders(ACCESS, since, pages[-1].next_cursor))
        assert len(pages) < 200
    return pages


def _found(pages: list[Page]) -> list[Any]:
    return [number for page in pages for number in _numbers(page)]


@pytest.mark.parametrize("orders", [1, 99, 100, 101, 350])
async def test_all_come_once_and_those_that_changed_first_first(
    any_api: ShoplazzaApi, any_server: ShoplazzaServer, orders: int
) -> None:
    for number in range(1, orders + 1):
        any_server.put(_changed(number, after=(number * 7) % 401))

    pages = await _sweep(any_api)

    assert _found(pages) == sorted(range(1, orders + 1), key=lambda number: (number * 7) % 401)
    assert len(pages) == len(any_server.asked)


@pytest.mark.parametrize("orders", [60, 130, 250])
async def test_seconds_that_are_full_come_whole(
    any_api: ShoplazzaApi, any_server: ShoplazzaServer, orders: int
) -> None:
    names = count(1)
    for second in (0, 1, 7, 8):
        for _ in range(orders):
            any_server.put(_changed(next(names), after=second))

    found = _found(await _sweep(any_api))

    assert sorted(found) == list(range(1, 4 * orders + 1))
    assert [(number - 1) // orders for number in found] == [second for second in range(4) for _ in range(orders)]


async def test_what_changes_or_goes_between_two_pages_hides_no_other(
    any_api: ShoplazzaApi, any_server: ShoplazzaServer
) -> None:
    everyone = list(range(1, 401))
    for number in everyone:
        any_server.put(_changed(number, after=number * 3))

    changing, going = iter(range(1, 200)), iter(range(400, 200, -1))
    gone: set[int] = set()
    page, found = await any_api.changed_orders(ACCESS, SINCE, None), set[int]()
    while page.next_cursor is not None:
        found |= set(_numbers(page))
        number, leaver = next(changing), next(going)
        any_server.put(_changed(number, after=5000 + number))
        any_server.remove(f"11218-{leaver:08}")
        gone.add(leaver)
        page = await any_api.changed_orders(ACCESS, SINCE, page.next_cursor)
    found |= set(_numbers(page))

    assert found | gone == set(everyone)


@pytest.mark.parametrize("quarter_days_first", [True, False])
async def test_a_long_past_is_walked_through_in_few_questions(
    any_api: ShoplazzaApi, any_server: ShoplazzaServer, quarter_days_first: bool
) -> None:
    quiet, busy = [number * 21_600 for number in range(1, 201)], [number * 5 for number in range(1, 801)]
    seconds = [*quiet, *(quiet[-1] + after for after in busy)] if quarter_days_first else [*busy, *quiet]
    for number, after in enumerate(seconds):
        any_server.put(_changed(number, after=after))

    pages = await _sweep(any_api)

    assert sorted(_found(pages)) == list(range(1000))
    assert len(any_server.asked) < 50
    # None asks beyond the youngest change that was seen: what is younger than that belongs to the last question.
    ends = [httpx.URL(asked).params.get("updated_at_max", "") for asked in any_server.asked]
    assert max(ends) <= _changed(0, after=max(seconds) + 1)["updated_at"]


async def test_a_time_that_was_cut_to_its_second_is_not_passed_over(
    any_api: ShoplazzaApi, any_server: ShoplazzaServer
) -> None:
    for number in range(1, 251):
        any_server.put(_changed(number, after=number / 4))

    found = _found(await _sweep(any_api))

    assert sorted(found) == list(range(1, 251))


@pytest.mark.parametrize(
    "since",
    [
        SINCE,
        SINCE.replace(microsecond=999_999),
        SINCE.astimezone(timezone(timedelta(hours=8))),
    ],
)
async def test_what_changed_in_the_very_second_is_among_them(
    api: ShoplazzaApi, server: ShoplazzaServer, since: datetime
) -> None:
    server.put(_changed(1, after=-1))
    server.put(_changed(2, after=0))

    [page] = await _sweep(api, since)

    assert _numbers(page) == [2]
    assert server.asked == [f"{_LIST}?updated_at_min=2026-05-02T10%3A15%3A05Z&limit=100&page=1"]


async def test_times_with_another_offset_are_put_in_their_order(api: ShoplazzaApi, server: ShoplazzaServer) -> None:
    server.put({"id": "1", "number": 1, "updated_at": "2026-05-02T12:00:00Z"})
    server.put({"id": "2", "number": 2, "updated_at": "2026-05-02T07:00:00-04:00"})

    [page] = await _sweep(api)

    assert _numbers(page) == [2, 1]


async def test_nothing_changed_is_one_empty_page(api: ShoplazzaApi, server: ShoplazzaServer) -> None:
    server.put(_changed(1, after=-1))

    assert await _sweep(api) == [Page([])]


async def test_documents_are_what_the_shop_wrote(api: ShoplazzaApi, server: ShoplazzaServer) -> None:
    written = [
        b'{"id":"11218-00000001", "updated_at":"2026-05-02T10:15:05Z","price":19.990,"note":"[{\\"a\\":1}]"}',
        '{ "updated_at":"2026-05-02T10:15:06Z" , "id":"254906204445092470545", "note":"\u5e97\u5320 ]" }'.encode(),
    ]
    for text in written:
        server.put(text)

    page = await api.changed_orders(ACCESS, SINCE, None)

    assert page.documents == written
    assert [await api.order(ACCESS, load(text)["id"]) for text in written] == written


async def test_a_document_is_read_as_the_order_that_it_is(api: ShoplazzaApi, server: ShoplazzaServer) -> None:
    server.put(bodies.order(total_refund_price="10.00", fulfillments=[bodies.parcel()]))

    [document] = (await api.changed_orders(ACCESS, SINCE, None)).documents
    seen = shoplazza.parse(load(document), Arrival(topic=PULLED, at=NOW), storefront("shoplazza"))

    assert isinstance(seen, OrderSeen)
    assert (seen.external_id, seen.content.total_minor, seen.paid_at) == (bodies.ORDER_ID, 5620, SINCE)
    assert [refund.amount_minor for refund in seen.refunds] == [1000]


async def test_an_order_that_is_not_there_is_none(api: ShoplazzaApi, server: ShoplazzaServer) -> None:
    assert await api.order(ACCESS, bodies.ORDER_ID) is None
    assert server.asked == [f"{_LIST}/{bodies.ORDER_ID}"]


@pytest.mark.parametrize("odd", ["", ".", "..", "1/cancel", "1?a=b", "1#", "a b", "\u0661", "1" * 129])
async def test_what_can_be_no_id_is_no_order_and_is_not_asked_for(
    api: ShoplazzaApi, server: ShoplazzaServer, odd: str
) -> None:
    assert await api.order(ACCESS, odd) is None
    assert server.asked == []


@pytest.mark.parametrize("token", ["", "sz_other"])
async def test_a_wrong_token_is_refused_and_not_shown(api: ShoplazzaApi, token: str) -> None:
    access = Access(base_url=BASE_URL, account="", site="", credentials={"access_token": token})

    with pytest.raises(ApiRefuses, match="401") as raised:
        await api.changed_orders(access, SINCE, None)
    with pytest.raises(ApiRefuses, match="401"):
        await api.order(access, "1")

    assert "sz_" not in str(raised.value)


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 422])
async def test_what_somebody_must_change_is_a_refusal(api: ShoplazzaApi, server: ShoplazzaServer, status: int) -> None:
    server.fail_next(status, {"location": f"{BASE_URL}{_LIST}"})

    with pytest.raises(ApiRefuses):
        await api.changed_orders(ACCESS, SINCE, None)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "after_seconds"),
    [(429, {"retry-after": "1"}, 1.0), (429, {}, None), (500, {}, None), (502, {}, None)],
)
async def test_what_passes_is_asked_again_when_the_shop_says(
    api: ShoplazzaApi, server: ShoplazzaServer, status: int, headers: dict[str, str], after_seconds: float | None
) -> None:
    server.fail_next(status, headers)
    server.fail_next(status, headers)

    for asking in (api.changed_orders(ACCESS, SINCE, None), api.order(ACCESS, "1")):
        with pytest.raises(ApiAway) as raised:
            await asking
        assert raised.value.after_seconds == after_seconds


@pytest.mark.parametrize(
    "body", [b"<html>busy</html>", b"", b'{"errors":["busy"]}', b'{"orders":{},"order":1}}', b'{"orders":[{"id":"1"}]}']
)
async def test_an_answer_that_is_none_is_asked_for_again(
    api: ShoplazzaApi, server: ShoplazzaServer, body: bytes
) -> None:
    server.fail_next(200, body=body)
    server.fail_next(200, body=body)

    with pytest.raises(ApiAway):
        await api.changed_orders(ACCESS, SINCE, None)
    with pytest.raises(ApiAway):
        await api.order(ACCESS, "1")
