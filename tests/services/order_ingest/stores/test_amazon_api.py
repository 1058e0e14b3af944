"""Amazon's API client against the stand-in: pages, tokens, refusals, pauses."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from services.order_ingest.adapters.store_apis.amazon import AmazonApi
from services.order_ingest.adapters.store_apis.amazon_sites import marketplace_id
from services.order_ingest.adapters.store_apis.amazon_tokens import token_url
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Page
from services.order_ingest.domain.access import StoreAddress, amazon_origin
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.platforms import amazon
from services.order_ingest.domain.platforms.amazon_marketplaces import MARKETPLACES
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_amazon as bodies
from tests.services.order_ingest.desk import storefront
from tests.services.order_ingest.stores.amazon_server import CREDENTIALS, AmazonServer

_NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
_SINCE = datetime(2026, 5, 1, tzinfo=UTC)
_ID = "112-4567890-1234567"
_ACCESS = Access(base_url="https://amazon.test", account=bodies.SELLER, site="US", credentials=CREDENTIALS)


@dataclass
class _Clock:
    at: datetime = _NOW

    def now(self) -> datetime:
        return self.at

    def advance(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class _Bench:
    """The client, the stand-in behind it, and the clock of both."""

    clock: _Clock
    server: AmazonServer
    api: AmazonApi
    access: Access = field(default=_ACCESS)

    async def page(self, since: datetime = _SINCE, cursor: str | None = None) -> Page:
        return await self.api.changed_orders(self.access, since, cursor)

    async def order(self, external_id: str = _ID) -> bytes | None:
        return await self.api.order(self.access, external_id)

    async def everything(self, since: datetime = _SINCE) -> list[str]:
        """The ids of all pages' orders."""
        page = await self.page(since)
        found = _ids(page)
        while page.next_cursor is not None:
            page = await self.page(since, page.next_cursor)
            found += _ids(page)
        return found


def _ids(page: Page) -> list[str]:
    return [json.loads(document)["orderId"] for document in page.documents]


@pytest.fixture
async def bench() -> AsyncIterator[_Bench]:
    clock = _Clock()
    server = AmazonServer(now=clock.now)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as http:
        yield _Bench(clock, server, AmazonApi(http, clock.now))


def _numbered(number: int, **changes: Any) -> dict[str, Any]:
    at = datetime(2026, 5, 2, tzinfo=UTC) + timedelta(seconds=number)
    words = {"orderId": f"112-0000000-{number:07}", "lastUpdatedTime": at.isoformat().replace("+00:00", "Z")}
    return bodies.order(**{**words, **changes})


async def test_all_pages_are_fetched_once_and_in_order(bench: _Bench) -> None:
    bench.server.put(*(_numbered(number) for number in range(250)))

    found = await bench.everything()

    assert found == [f"112-0000000-{number:07}" for number in range(250)]
    assert [search.get("paginationToken") for search in bench.server.searches] == [None, "2Yg+W55/0==", "2Yg+W55/1=="]
    assert (len(bench.server.logins), bench.server.refused) == (1, [])


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200])
async def test_pages_end_where_the_orders_do(bench: _Bench, count: int) -> None:
    bench.server.put(*(_numbered(number) for number in range(count)))

    assert len(await bench.everything()) == count
    assert len(bench.server.searches) == max(1, -(-count // 100))


async def test_within_a_page_what_changed_first_comes_first(bench: _Bench) -> None:
    bench.server.put(_numbered(3), _numbered(1), _numbered(2))

    assert _ids(await bench.page()) == [f"112-0000000-{number:07}" for number in (1, 2, 3)]


async def test_nothing_changed_is_an_empty_page_and_the_last(bench: _Bench) -> None:
    bench.server.put(_numbered(1))

    assert await bench.page(since=datetime(2026, 5, 9, tzinfo=UTC)) == Page([])


@pytest.mark.parametrize("microsecond", [0, 999_999])
async def test_what_changed_exactly_then_or_within_that_second_is_there(bench: _Bench, microsecond: int) -> None:
    bench.server.put(_numbered(1), _numbered(0), _numbered(2, lastUpdatedTime="2026-05-01T23:59:59Z"))

    page = await bench.page(since=datetime(2026, 5, 2, 0, 0, 0, microsecond, tzinfo=UTC))

    assert _ids(page) == ["112-0000000-0000000", "112-0000000-0000001"]


async def test_an_instant_of_another_zone_is_the_same_instant(bench: _Bench) -> None:
    bench.server.put(_numbered(0))

    await bench.page(since=datetime(2026, 5, 2, 2, tzinfo=timezone(timedelta(hours=2))))

    assert bench.server.searches[0]["lastUpdatedAfter"] == "2026-05-02T00:00:00Z"


async def test_now_is_asked_for_from_before_the_end_of_the_search_on_all_pages(bench: _Bench) -> None:
    changed = {"lastUpdatedTime": "2026-05-10T11:57:30Z"}
    bench.server.put(*(_numbered(number, **changed) for number in range(101)))

    first = await bench.page(since=_NOW)
    bench.clock.advance(minutes=1)
    second = await bench.page(since=_NOW, cursor=first.next_cursor)

    assert (len(first.documents), len(second.documents), second.next_cursor) == (100, 1, None)
    assert {search["lastUpdatedAfter"] for search in bench.server.searches} == {"2026-05-10T11:57:00Z"}


async def test_a_cursor_of_yesterday_is_refused(bench: _Bench) -> None:
    bench.server.put(*(_numbered(number) for number in range(101)))
    first = await bench.page()
    bench.clock.advance(hours=25)

    with pytest.raises(ApiRefuses):
        await bench.page(cursor=first.next_cursor)


async def test_only_the_sites_own_marketplace_is_asked_for(bench: _Bench) -> None:
    british = {"channelName": "AMAZON", "marketplaceId": bodies.UK, "marketplaceName": "Amazon.co.uk"}
    bench.server.put(_numbered(1), _numbered(2, salesChannel=british))

    at_home = await bench.page()
    bench.access = replace(_ACCESS, site=" gb ")
    abroad = await bench.page()

    assert (_ids(at_home), _ids(abroad)) == (["112-0000000-0000001"], ["112-0000000-0000002"])
    assert [search["marketplaceIds"] for search in bench.server.searches] == [bodies.US, bodies.UK]


async def test_an_order_is_the_one_that_a_page_holds_byte_for_byte(bench: _Bench) -> None:
    bench.server.put(bodies.order(packages=[bodies.package()]))

    document = await bench.order()
    page = await bench.page()

    assert list(page.documents) == [document]
    assert bench.server.asked_orders == [_ID]


async def test_an_order_reads_as_it_was_put(bench: _Bench) -> None:
    put = bodies.order(
        fulfillment=bodies.fulfilled("SHIPPED"),
        packages=[bodies.package()],
        orderItems=[bodies.item(), bodies.called_off("No stock", orderItemId="2")],
    )
    bench.server.put(put)

    document = await bench.order()

    assert document is not None
    found = amazon.parse(load(document), Arrival(topic=PULLED, at=_NOW), storefront("amazon"))
    straight = amazon.parse(load(json.dumps(put).encode()), Arrival(topic=PULLED, at=_NOW), storefront("amazon"))
    assert isinstance(found, OrderSeen)
    assert found == straight
    assert (found.content.total_minor, found.person.email, len(found.fulfilments)) == (4430, bodies.ALIAS, 1)


@pytest.mark.parametrize("external_id", ["112-9999999-9999999", "S01-1234567-1234567"])
async def test_an_order_that_is_not_there_is_none(bench: _Bench, external_id: str) -> None:
    assert await bench.order(external_id) is None
    assert bench.server.asked_orders == [external_id]


@pytest.mark.parametrize(
    "external_id", ["", "17", "..", "112-4567890-1234567/x", "112-4567890-1234567?a=b", "../../auth"]
)
async def test_what_is_no_order_id_is_never_asked_for(bench: _Bench, external_id: str) -> None:
    assert await bench.order(external_id) is None
    assert (bench.server.asked_orders, bench.server.logins) == ([], [])


async def test_an_order_of_another_marketplace_is_not_this_stores(bench: _Bench) -> None:
    bench.server.put(bodies.order(salesChannel={"channelName": "AMAZON", "marketplaceId": bodies.UK}))

    assert await bench.order() is None


async def test_an_order_that_names_no_marketplace_is_this_stores(bench: _Bench) -> None:
    bench.server.put(bodies.order(salesChannel={"channelName": "NON_AMAZON"}))

    assert await bench.order() is not None


async def test_a_token_is_kept_for_its_hour_and_got_anew_before_its_end(bench: _Bench) -> None:
    bench.server.put(bodies.order())

    for minutes, logins in ((0, 1), (58, 1), (1, 2), (58, 2), (3, 3)):
        bench.clock.advance(minutes=minutes)
        await bench.order()
        assert len(bench.server.logins) == logins
    assert bench.server.refused == []


async def test_each_app_and_seller_has_a_token_of_its_own(bench: _Bench) -> None:
    bench.server.put(bodies.order())
    await bench.order()
    bench.access = replace(_ACCESS, credentials={**CREDENTIALS, "refresh_token": "Atzr|another"})

    with pytest.raises(ApiRefuses, match="status 400 of /auth/o2/token"):
        await bench.order()
    bench.access = _ACCESS
    await bench.order()

    assert [login["refresh_token"] for login in bench.server.logins] == [CREDENTIALS["refresh_token"], "Atzr|another"]


async def test_a_kept_token_that_was_taken_back_is_replaced(bench: _Bench) -> None:
    bench.server.put(bodies.order())
    await bench.order()
    bench.server.revoke_tokens()

    assert await bench.order() is not None
    assert len(bench.server.logins) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal_with_a_new_token_is_final(bench: _Bench, status: int) -> None:
    bench.server.put(bodies.order())
    await bench.order()
    bench.server.revoke_tokens()
    bench.server.fail_next(403)
    bench.server.fail_next(200, body=b'{"access_token": "Atza|x", "token_type": "bearer", "expires_in": 3600}')
    bench.server.fail_next(status)

    with pytest.raises(ApiRefuses, match=f"status {status} of /orders/2026-01-01/orders/{_ID}"):
        await bench.order()


@pytest.mark.parametrize(
    "changes", [{"client_id": "amzn1.other"}, {"client_secret": "wrong"}, {"refresh_token": "Atzr|wrong"}]
)
async def test_credentials_that_are_not_valid_are_refused(bench: _Bench, changes: dict[str, str]) -> None:
    bench.access = replace(_ACCESS, credentials={**CREDENTIALS, **changes})

    with pytest.raises(ApiRefuses) as refusal:
        await bench.page()

    assert not any(secret in str(refusal.value) for secret in (*CREDENTIALS.values(), *changes.values()))


@pytest.mark.parametrize("name", sorted(CREDENTIALS))
async def test_a_credential_that_is_missing_is_named(bench: _Bench, name: str) -> None:
    bench.access = replace(_ACCESS, credentials={**CREDENTIALS, name: ""})

    with pytest.raises(ApiRefuses, match=f"the credential {name} is missing"):
        await bench.page()


async def _refusing(bench: _Bench) -> ApiAway:
    """What the client makes of the failure that comes next, its token got before."""
    with pytest.raises(ApiAway) as away:
        await bench.page()
    return away.value


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "17", "x-amzn-RateLimit-Limit": "0.0056"}, 17.0),
        ({"x-amzn-RateLimit-Limit": "0.1"}, 10.0),
        ({"x-amzn-RateLimit-Limit": "2.0"}, 1.0),
        # The documented rate: Amazon does not promise the header with a refusal.
        ({}, 179.0),
        ({"x-amzn-RateLimit-Limit": "0"}, 179.0),
        ({"x-amzn-RateLimit-Limit": "nan"}, 179.0),
        ({"x-amzn-RateLimit-Limit": "inf"}, 179.0),
        ({"x-amzn-RateLimit-Limit": "-1"}, 179.0),
        ({"x-amzn-RateLimit-Limit": "1e-9"}, 179.0),
        ({"x-amzn-RateLimit-Limit": "many"}, 179.0),
    ],
)
async def test_too_many_searches_are_away_until_the_next_is_due(
    bench: _Bench, headers: dict[str, str], seconds: float
) -> None:
    await bench.page()
    bench.server.fail_next(429, headers)

    assert (await _refusing(bench)).after_seconds == seconds


async def test_single_orders_have_a_pace_of_their_own_and_the_login_has_none(bench: _Bench) -> None:
    bench.server.fail_next(429)
    with pytest.raises(ApiAway) as login:
        await bench.order()
    await bench.page()
    bench.server.fail_next(429)
    with pytest.raises(ApiAway) as order:
        await bench.order()

    assert (login.value.after_seconds, order.value.after_seconds) == (None, 2.0)


@pytest.mark.parametrize("status", [500, 503])
async def test_what_is_broken_is_away_and_names_no_pause(bench: _Bench, status: int) -> None:
    await bench.page()
    bench.server.fail_next(status, {"x-amzn-RateLimit-Limit": "0.0056"})

    assert (await _refusing(bench)).after_seconds is None


_HTML = b"<html><body>Service Unavailable</body></html>"


@pytest.mark.parametrize(
    "body", [_HTML, b"", b"[]", b"null", b"{}", b'{"orders": {}}', b'{"orders": null}', b'{"payload": {"orders": []}}']
)
async def test_a_page_that_is_none_is_away(bench: _Bench, body: bytes) -> None:
    await bench.page()
    bench.server.fail_next(200, {"Content-Type": "text/html"}, body)

    await _refusing(bench)


@pytest.mark.parametrize("body", [_HTML, b"{}", b'{"orders": []}'])
async def test_an_answer_without_an_order_is_away(bench: _Bench, body: bytes) -> None:
    await bench.page()
    bench.server.fail_next(200, {}, body)

    with pytest.raises(ApiAway):
        await bench.order()


@pytest.mark.parametrize(
    "pagination", [None, [], "x", {}, {"nextToken": None}, {"nextToken": ""}, {"nextToken": 7}, {"nextToken": ["x"]}]
)
async def test_a_page_without_a_token_is_the_last(bench: _Bench, pagination: Any) -> None:
    await bench.page()
    orders: list[Any] = [_numbered(1), 7, {}, {"orderId": "x", "lastUpdatedTime": 5}]
    bench.server.fail_next(200, {}, json.dumps({"orders": orders, "pagination": pagination}).encode())

    page = await bench.page()

    assert (len(page.documents), page.next_cursor) == (4, None)


@pytest.mark.parametrize(
    "body", [_HTML, b"[]", b"{}", b'{"access_token": 7}', b'{"access_token": "a\\nb"}', b'{"access_token": "\xc3\xa9"}']
)
async def test_a_login_that_gives_no_token_is_away(bench: _Bench, body: bytes) -> None:
    bench.server.fail_next(200, {}, body)

    await _refusing(bench)


async def test_an_address_without_a_login_or_orders_is_refused(bench: _Bench) -> None:
    bench.server.fail_next(404)
    with pytest.raises(ApiRefuses, match="nothing at /auth/o2/token"):
        await bench.page()
    await bench.order()
    bench.server.fail_next(404)
    with pytest.raises(ApiRefuses, match="nothing at /orders/2026-01-01/orders"):
        await bench.page()


async def test_no_answer_is_away() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("no answer", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(broken)) as http:
        with pytest.raises(ApiAway, match="ConnectTimeout"):
            await AmazonApi(http, _Clock().now).order(_ACCESS, _ID)


async def test_a_redirection_is_not_followed(bench: _Bench) -> None:
    await bench.page()
    for _ in range(3):
        bench.server.fail_next(307, {"Location": "https://elsewhere.test/"})

    with pytest.raises(ApiRefuses, match="status 307"):
        await bench.page()


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://sellingpartnerapi-na.amazon.com", "https://api.amazon.com/auth/o2/token"),
        ("https://sandbox.sellingpartnerapi-eu.amazon.com", "https://api.amazon.com/auth/o2/token"),
        ("https://x1.execute-api.us-east-1.amazonaws.com/spapi", "https://api.amazon.com/auth/o2/token"),
        ("https://proxy.example.com/amazon", "https://proxy.example.com/amazon/auth/o2/token"),
        ("http://127.0.0.1:8011", "http://127.0.0.1:8011/auth/o2/token"),
        (
            "https://sellingpartnerapi-na.amazon.com.evil.test",
            "https://sellingpartnerapi-na.amazon.com.evil.test/auth/o2/token",
        ),
        ("https://notamazon.com", "https://notamazon.com/auth/o2/token"),
    ],
)
def test_the_login_is_amazons_own_or_that_of_the_host_in_its_place(base_url: str, url: str) -> None:
    assert token_url(base_url) == url


@pytest.mark.parametrize(
    ("site", "found"),
    [
        ("US", bodies.US),
        ("uk", bodies.UK),
        ("GB", bodies.UK),
        (bodies.US, bodies.US),
        ("A2ZV50J4W1RKNI", "A2ZV50J4W1RKNI"),
    ],
)
def test_a_site_is_a_country_or_a_marketplaces_id(site: str, found: str) -> None:
    assert marketplace_id(site) == found


@pytest.mark.parametrize("site", ["", "default", "XX", "www.amazon.com", "ATVPDKIKX0DER,A1F83G8C2ARO7P"])
async def test_another_site_is_refused_before_anything_is_asked(bench: _Bench, site: str) -> None:
    bench.access = replace(_ACCESS, site=site)

    with pytest.raises(ApiRefuses, match="site"):
        await bench.page()
    with pytest.raises(ApiRefuses, match="site"):
        await bench.order()
    assert bench.server.logins == []


def test_no_marketplace_stands_for_two_countries() -> None:
    ids = [found.marketplace_id for country, found in MARKETPLACES.items() if country != "GB"]

    assert len(set(ids)) == len(ids) == 23


@pytest.mark.parametrize(
    ("site", "region"),
    [("us", "na"), ("ATVPDKIKX0DER", "na"), ("DE", "eu"), ("A21TJRUUN4KGV", "eu"), ("JP", "fe"),
     ("A39IBJ37TRP1C6", "fe"), ("", "eu")],
)  # fmt: skip
def test_a_site_is_served_by_its_regions_endpoint(site: str, region: str) -> None:
    store = StoreAddress(account=bodies.SELLER, site=site, domain=None)

    assert amazon_origin(store) == f"https://sellingpartnerapi-{region}.amazon.com"


_SEARCH = "/orders/2026-01-01/orders"
_AFTER = {"lastUpdatedAfter": "2026-05-01T00:00:00Z"}


async def _answer(bench: _Bench, method: str, path: str, headers: Any = None, params: Any = None) -> int:
    """The status of a question with all that it needs but for the changes."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=bench.server.app)) as http:
        form = {"grant_type": "refresh_token", **CREDENTIALS}
        login = await http.post("https://amazon.test/auth/o2/token", data=form)
        words = {
            "accept": "application/json",
            "user-agent": "App/1 (Language=Python)",
            "x-amz-date": "20260510T120000Z",
            "x-amz-access-token": login.json()["access_token"],
            **(headers or {}),
        }
        url = f"https://amazon.test{path}"
        return (await http.request(method, url, headers=words, params=params)).status_code


async def test_the_stand_in_answers_what_is_documented(bench: _Bench) -> None:
    bench.server.put(bodies.order())

    assert await _answer(bench, "GET", _SEARCH, params=_AFTER) == 200
    assert await _answer(bench, "GET", f"{_SEARCH}/{_ID}", params={"includedData": "BUYER,PACKAGES"}) == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", f"{_SEARCH}/{_ID}", 404), ("GET", "/orders/v0/orders", 403), ("POST", _SEARCH, 405), ("PUT", "/x", 405)],
)
async def test_the_stand_in_has_nothing_else(bench: _Bench, method: str, path: str, status: int) -> None:
    assert await _answer(bench, method, path) == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-amz-access-token": "Atza|made-up"}, 403),
        ({"authorization": "AWS4-HMAC-SHA256 x"}, 403),
        ({"user-agent": "python-httpx/0.28.1"}, 400),
        ({"x-amz-date": "20260510T110000Z"}, 400),
        ({"accept": "*/*"}, 415),
    ],
)
async def test_the_stand_in_wants_the_documented_headers(bench: _Bench, headers: dict[str, str], status: int) -> None:
    assert await _answer(bench, "GET", _SEARCH, headers, _AFTER) == status


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"lastUpdatedAfter": "2026-05-01"},
        {"lastUpdatedAfter": "2026-05-10T11:59:00Z"},
        {"LastUpdatedAfter": "2026-05-01T00:00:00Z"},
        {**_AFTER, "createdAfter": "2026-05-01T00:00:00Z"},
        {**_AFTER, "lastUpdatedBefore": "2026-05-10T11:59:00Z"},
        {**_AFTER, "nextToken": "x"},
        {**_AFTER, "paginationToken": "made-up"},
        {**_AFTER, "maxResultsPerPage": "101"},
        {**_AFTER, "marketplaceIds": "US"},
        {**_AFTER, "includedData": "ITEMS"},
        [("includedData", "BUYER"), ("includedData", "PACKAGES"), *_AFTER.items()],
    ],
)
async def test_the_stand_in_wants_the_documented_parameters(bench: _Bench, params: Any) -> None:
    assert await _answer(bench, "GET", _SEARCH, params=params) == 400


async def test_a_page_with_other_parameters_than_the_first_is_refused(bench: _Bench) -> None:
    bench.server.put(*(_numbered(number) for number in range(101)))
    first = await bench.page()
    assert first.next_cursor is not None
    _, _, token = first.next_cursor.partition(" ")

    assert await _answer(bench, "GET", _SEARCH, params={**_AFTER, "paginationToken": token}) == 400
