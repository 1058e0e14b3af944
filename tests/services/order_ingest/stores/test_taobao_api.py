"""Taobao's API client against the stand-in: whole walks whatever happens meanwhile, and refusals in our words."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from services.order_ingest.adapters.store_apis.taobao import TaobaoApi
from services.order_ingest.adapters.store_apis.taobao_gateway import CHINA, signature
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Page
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.platforms import taobao
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_taobao as bodies
from tests.services.order_ingest.bodies_taobao import cup, orders, sofa
from tests.services.order_ingest.desk import storefront
from tests.services.order_ingest.stores.taobao_server import TaobaoServer

NOW = datetime(2026, 5, 20, 4, 0, 0, 250_000, tzinfo=UTC)
SINCE = datetime(2026, 5, 20, 3, 40, tzinfo=UTC)
_SECRETS = {"app_key": "12345678", "app_secret": "helloworld", "session": "6101b01c"}
ACCESS = Access(base_url="https://eco.taobao.com", account=bodies.SELLER, site="", credentials=_SECRETS)
_LIST, _FULL, _REFUND = "trades.sold.increment.get", "trade.fullinfo.get", "refund.get"


@pytest.fixture
def server() -> Iterator[TaobaoServer]:
    server = TaobaoServer(**_SECRETS, now=lambda: NOW)
    yield server
    assert server.faults == []


@pytest.fixture
async def api(server: TaobaoServer) -> AsyncIterator[TaobaoApi]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        yield TaobaoApi(client, lambda: NOW)


def _words(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _put(server: TaobaoServer, tid: int, at: datetime, *refunds: dict[str, Any], **changes: Any) -> None:
    server.put(bodies.trade(**{"tid": tid, "modified": _words(at), **changes}), *refunds)


async def _walk(api: TaobaoApi, since: datetime = SINCE) -> list[Page]:
    pages = [await api.changed_orders(ACCESS, since, None)]
    while pages[-1].next_cursor is not None:
        assert len(pages) < 400
        pages.append(await api.changed_orders(ACCESS, since, pages[-1].next_cursor))
    return pages


def _tids(pages: list[Page]) -> list[int]:
    return [load(document)["trade"]["tid"] for page in pages for document in page.documents]


def _seen(document: bytes) -> OrderSeen:
    store = storefront("taobao", account=bodies.SELLER, currency="CNY", time_zone="Asia/Shanghai", locale="zh-CN")
    found = taobao.parse(load(document), Arrival(topic=PULLED, at=NOW), store)
    assert isinstance(found, OrderSeen)
    return found


@pytest.mark.parametrize("count", [1, 9, 10, 11, 19, 20, 21, 35])
async def test_all_come_once_and_those_that_changed_first_first(
    api: TaobaoApi, server: TaobaoServer, count: int
) -> None:
    for number in range(count):
        _put(server, 1000 + (number * 13) % count, SINCE + timedelta(seconds=number))

    pages = await _walk(api)

    assert _tids(pages) == [1000 + (number * 13) % count for number in range(count)]
    assert max(len(page.documents) for page in pages) <= 10
    lists = [form for form in server.asked if form["method"].endswith(_LIST)]
    last = -(-count // 10)
    assert [form["page_no"] for form in lists] == ["1", *(str(page) for page in range(last, 0, -1) if last > 1)]


async def test_pages_are_counted_once_and_then_read_from_the_last_to_the_first(
    api: TaobaoApi, server: TaobaoServer
) -> None:
    for number in range(21):
        _put(server, 1000 + number, SINCE + timedelta(seconds=number))

    pages = await _walk(api)

    assert [len(page.documents) for page in pages] == [1, 10, 10]
    lists = [(form["page_no"], form["use_has_next"]) for form in server.asked if form["method"].endswith(_LIST)]
    assert lists == [("1", "false"), ("3", "true"), ("2", "true"), ("1", "true")]


@pytest.mark.parametrize(("seconds", "is_told"), [(-1, False), (0, True), (1, True)])
async def test_what_changed_exactly_at_since_is_told(
    api: TaobaoApi, server: TaobaoServer, seconds: int, is_told: bool
) -> None:
    _put(server, 1, SINCE + timedelta(seconds=seconds))

    assert _tids(await _walk(api)) == ([1] if is_told else [])


async def test_a_since_within_a_second_includes_that_second(api: TaobaoApi, server: TaobaoServer) -> None:
    _put(server, 1, SINCE)

    assert _tids(await _walk(api, SINCE + timedelta(milliseconds=900))) == [1]


@pytest.mark.parametrize(("seconds", "is_told"), [(2, True), (1, True), (0, False)])
async def test_the_second_that_is_not_over_is_left_to_the_next_walk(
    api: TaobaoApi, server: TaobaoServer, seconds: int, is_told: bool
) -> None:
    _put(server, 1, NOW.replace(microsecond=0) - timedelta(seconds=seconds))

    assert _tids(await _walk(api)) == ([1] if is_told else [])
    assert _tids(await _walk(api, NOW)) == []


async def test_a_shop_in_which_nothing_changed_is_asked_once_a_window(api: TaobaoApi, server: TaobaoServer) -> None:
    pages = await _walk(api, NOW - timedelta(hours=2))

    assert _tids(pages) == []
    assert server.methods() == [_LIST] * 4
    assert len(pages) == 1


@pytest.mark.parametrize("since", [NOW, NOW - timedelta(milliseconds=500), NOW + timedelta(hours=1)])
async def test_when_no_second_is_over_since_nothing_is_asked(
    api: TaobaoApi, server: TaobaoServer, since: datetime
) -> None:
    assert await api.changed_orders(ACCESS, since, None) == Page([])
    assert server.asked == []


async def test_windows_follow_each_other_without_a_gap_and_none_lasts_longer_than_advised(
    api: TaobaoApi, server: TaobaoServer
) -> None:
    await _walk(api, NOW - timedelta(hours=48))

    windows = [(form["start_modified"], form["end_modified"]) for form in server.asked]
    assert windows[0][0] == _words(NOW - timedelta(hours=48))
    assert windows[-1][1] == _words(NOW - timedelta(seconds=1))
    assert all(before[1] == after[0] for before, after in pairwise(windows))
    lengths = [datetime.fromisoformat(end) - datetime.fromisoformat(start) for start, end in windows]
    assert max(lengths) == timedelta(minutes=30)


async def test_trades_of_many_windows_come_in_the_order_of_their_change(api: TaobaoApi, server: TaobaoServer) -> None:
    begun = NOW - timedelta(hours=30)
    for number in range(60):
        _put(server, 1000 + number, begun + timedelta(minutes=29, seconds=7) * number)

    pages = await _walk(api, begun)

    assert _tids(pages) == [1000 + number for number in range(60)]


async def test_a_trade_on_the_border_of_two_windows_is_not_lost(api: TaobaoApi, server: TaobaoServer) -> None:
    begun = NOW.replace(microsecond=0) - timedelta(hours=1)
    _put(server, 1, begun + timedelta(minutes=30))

    assert set(_tids(await _walk(api, begun))) == {1}


async def test_nothing_is_asked_for_that_is_no_longer_kept(api: TaobaoApi, server: TaobaoServer) -> None:
    pages = await api.changed_orders(ACCESS, NOW - timedelta(days=4000), None)

    assert server.asked[0]["start_modified"] == _words(NOW - timedelta(days=89))
    assert pages.next_cursor is not None


@pytest.mark.parametrize("cursor", ["", "5", "a-b-c", "1-2", "1-2-3-4", "-1-2-3", "１-2-3", "1.5-2-3"])
async def test_a_cursor_of_somebody_else_is_refused(api: TaobaoApi, server: TaobaoServer, cursor: str) -> None:
    if not cursor:
        assert (await api.changed_orders(ACCESS, NOW, cursor)).next_cursor is None
        return
    with pytest.raises(ApiRefuses, match="cursor"):
        await api.changed_orders(ACCESS, SINCE, cursor)
    assert server.asked == []


def _after_lists(server: TaobaoServer, events: dict[int, Callable[[], None]]) -> None:
    """After the n-th list the shop does what `events` says."""
    done = iter(range(1, 1000))

    def happen() -> None:
        events.get(next(done), lambda: None)()

    server.after_list = happen


def _change(server: TaobaoServer, numbers: Iterable[int]) -> Callable[[], None]:
    def change() -> None:
        for number in numbers:
            _put(server, 1000 + number, NOW)

    return change


@pytest.mark.parametrize("changed", [0, 4, 5, 9, 10, 14, 15, 19, 20, 24])
@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_trade_that_changes_meanwhile_makes_no_other_pass_unseen(
    api: TaobaoApi, server: TaobaoServer, after: int, changed: int
) -> None:
    for number in range(25):
        _put(server, 1000 + number, SINCE + timedelta(seconds=number))
    # It leaves the window, whose end is in the past: it is told by this walk or by the next one.
    _after_lists(server, {after: _change(server, [changed])})

    found = set(_tids(await _walk(api)))

    assert found >= {1000 + number for number in range(25)} - {1000 + changed}


async def test_many_trades_that_change_meanwhile_make_none_pass_unseen(api: TaobaoApi, server: TaobaoServer) -> None:
    begun = NOW - timedelta(minutes=20)
    for number in range(60):
        _put(server, 1000 + number, begun + timedelta(seconds=number))

    _after_lists(server, {turn: _change(server, range(turn - 1, 60, 6)) for turn in range(1, 6)})
    found = _tids(await _walk(api, begun))

    stayed = {1000 + number for number in range(60) if number % 6 == 5}
    assert set(found) >= stayed
    assert len(found) == len(set(found))


async def test_a_window_that_empties_meanwhile_is_passed_over(api: TaobaoApi, server: TaobaoServer) -> None:
    for number in range(25):
        _put(server, 1000 + number, SINCE + timedelta(seconds=number))
    _after_lists(server, {1: _change(server, range(25))})

    assert _tids(await _walk(api)) == []


async def test_a_trade_that_vanishes_between_list_and_question_is_passed_over(
    api: TaobaoApi, server: TaobaoServer
) -> None:
    _put(server, 1, SINCE)
    _put(server, 2, SINCE)
    _after_lists(server, {1: lambda: server.remove(1)})

    assert _tids(await _walk(api)) == [2]


async def test_a_call_that_failed_is_repeated_with_its_cursor(api: TaobaoApi, server: TaobaoServer) -> None:
    for number in range(15):
        _put(server, 1000 + number, SINCE + timedelta(seconds=number))
    first = await api.changed_orders(ACCESS, SINCE, None)
    server.fail_next(503)
    with pytest.raises(ApiAway):
        await api.changed_orders(ACCESS, SINCE, first.next_cursor)

    second = await api.changed_orders(ACCESS, SINCE, first.next_cursor)

    assert _tids([first, second]) == [1000 + number for number in range(15)]


async def test_a_trade_comes_whole_with_its_refunds(api: TaobaoApi, server: TaobaoServer) -> None:
    given_back = {"refund_status": "SUCCESS", "refund_id": "150231974221000001"}
    server.put(bodies.finished(orders=orders(sofa(), cup(**given_back))), bodies.refund())

    document = await api.order(ACCESS, str(bodies.TID))

    assert document is not None
    assert server.methods() == [_FULL, _REFUND]
    seen = _seen(document)
    assert (seen.external_id, seen.person.external_id) == (str(bodies.TID), bodies.BUYER)
    assert (seen.content.total_minor, seen.content.financial_status) == (22800, "partially_refunded")
    [back] = seen.refunds
    assert (back.external_id, back.amount_minor, back.at) == (
        "150231974221000001",
        5592,
        datetime(2026, 5, 9, 8, tzinfo=UTC),
    )


async def test_a_trade_that_is_listed_is_the_same_document(api: TaobaoApi, server: TaobaoServer) -> None:
    server.put(bodies.closed(modified=_words(SINCE)), bodies.full_refund())

    [listed] = (await api.changed_orders(ACCESS, SINCE, None)).documents

    assert listed == await api.order(ACCESS, str(bodies.TID))
    assert _seen(listed).content.financial_status == "refunded"


async def test_each_refund_is_asked_once_and_those_without_any_not(api: TaobaoApi, server: TaobaoServer) -> None:
    one, other = (bodies.refund(refund_id=number, status="CLOSED") for number in ("11", "12"))
    found = orders(
        sofa(refund_id="11", refund_status="CLOSED"),
        cup(refund_id=11, refund_status="WAIT_SELLER_AGREE"),
        cup(refund_id="12", refund_status="SUCCESS"),
        cup(refund_id="13", refund_status="NO_REFUND"),
        cup(refund_id="0", refund_status="CLOSED"),
        cup(refund_id=None),
        cup(),
    )
    server.put(bodies.trade(orders=found), one, other)

    document = await api.order(ACCESS, str(bodies.TID))

    assert [form.get("refund_id") for form in server.asked] == [None, "11", "12"]
    assert [refund["refund_id"] for refund in load(document or b"")["refunds"]] == ["11", "12"]


async def test_numbers_beyond_two_to_the_53_are_asked_and_told_in_full(api: TaobaoApi, server: TaobaoServer) -> None:
    _put(server, 2**53 + 1, SINCE)
    _put(server, 2**63 - 1, SINCE)

    found = _tids(await _walk(api))

    assert found == [2**53 + 1, 2**63 - 1]
    asked = [form["tid"] for form in server.asked if "tid" in form]
    assert asked == ["9007199254740993", "9223372036854775807"]


async def test_a_document_is_what_taobao_wrote(api: TaobaoApi, server: TaobaoServer) -> None:
    written = b'{"trade":{"tid":7, "payment":228.10,"a":1E2,"title":"\\u6905\\ud800","memo":"a\tb"}}'
    server.fail_next(200, body=b'\xef\xbb\xbf{"trade_fullinfo_get_response":' + written + b"}")

    document = await api.order(ACCESS, "7")

    assert document == written.removesuffix(b"}") + b',"refunds":[]}'


@pytest.mark.parametrize("tid", ["1", "3410572390000460002"])
async def test_a_trade_that_does_not_exist_is_none(api: TaobaoApi, server: TaobaoServer, tid: str) -> None:
    _put(server, bodies.TID, SINCE)

    assert await api.order(ACCESS, tid) is None
    assert len(server.asked) == 1


@pytest.mark.parametrize("tid", ["", "A-1", "-1", "1.5", "0", "01", "１", "1&method=x", "1" * 20])
async def test_an_id_that_is_no_number_is_none_and_nobody_is_asked(
    api: TaobaoApi, server: TaobaoServer, tid: str
) -> None:
    assert await api.order(ACCESS, tid) is None
    assert server.asked == []


def test_the_signature_is_that_of_all_parameters_by_name() -> None:
    form = {"foo": "1", "bar": "2", "foo_bar": "3", "foobar": "4"}
    expected = hmac.new("密".encode(), b"bar2foo1foo_bar3foobar4", hashlib.sha256).hexdigest().upper()

    assert signature(form, "密") == expected


async def test_a_question_is_stamped_with_chinas_clock_and_the_secret_is_not_sent(
    api: TaobaoApi, server: TaobaoServer
) -> None:
    await api.order(ACCESS, "1")

    [form] = server.asked
    assert form["timestamp"] == "2026-05-20 12:00:00"
    assert (form["sign_method"], form["format"], form["v"]) == ("hmac-sha256", "json", "2.0")
    assert len(form["sign"]) == 64
    assert _SECRETS["app_secret"] not in json.dumps(form)


async def test_who_bought_is_asked_together_with_the_name_without_which_it_is_not_told(
    api: TaobaoApi, server: TaobaoServer
) -> None:
    await api.order(ACCESS, "1")

    assert {"buyer_nick", "buyer_open_uid"} <= set(server.asked[0]["fields"].split(","))


async def test_another_host_is_asked_where_the_store_says_so(server: TaobaoServer) -> None:
    hosts: list[str] = []

    async def note(request: httpx.Request) -> None:
        hosts.append(str(request.url))

    transport = httpx.ASGITransport(app=server.app)
    async with httpx.AsyncClient(transport=transport, event_hooks={"request": [note]}) as client:
        elsewhere = Access(base_url="https://api.taobao.com", account="", site="", credentials=_SECRETS)
        await TaobaoApi(client, lambda: NOW).order(elsewhere, "1")

    assert hosts == ["https://api.taobao.com/router/rest"]


async def _asked(api: TaobaoApi, what: str, secrets: dict[str, str] | None = None) -> Any:
    access = Access(base_url=ACCESS.base_url, account="", site="", credentials=secrets or _SECRETS)
    return await (api.order(access, "1") if what == "order" else api.changed_orders(access, SINCE, None))


_EACH = pytest.mark.parametrize("what", ["order", "changed_orders"])


@_EACH
@pytest.mark.parametrize("wrong", ["app_key", "app_secret", "session"])
async def test_wrong_credentials_are_refused_and_never_named(api: TaobaoApi, what: str, wrong: str) -> None:
    with pytest.raises(ApiRefuses, match=r"error (25|27|29) ") as refusal:
        await _asked(api, what, {**_SECRETS, wrong: "another-one"})

    assert not any(secret in str(refusal.value) for secret in ("another-one", *_SECRETS.values()))


@_EACH
@pytest.mark.parametrize("name", ["app_key", "app_secret", "session"])
@pytest.mark.parametrize("value", [None, ""])
async def test_a_credential_that_is_missing_is_named_and_nobody_is_asked(
    api: TaobaoApi, server: TaobaoServer, what: str, name: str, value: str | None
) -> None:
    secrets = {key: secret for key, secret in _SECRETS.items() if key != name}
    if value is not None:
        secrets[name] = value

    with pytest.raises(ApiRefuses, match=name):
        await _asked(api, what, secrets)
    assert server.asked == []


async def test_a_clock_that_is_wrong_is_refused(server: TaobaoServer) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as client:
        with pytest.raises(ApiRefuses, match="error 31 "):
            await TaobaoApi(client, lambda: NOW + timedelta(minutes=11)).order(ACCESS, "1")


@_EACH
@pytest.mark.parametrize(
    ("code", "sub_code", "sub_msg", "seconds"),
    [
        (7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds", 1.0),
        (7, "accesscontrol.limited-by-app-access-count", "This ban will last for 31062 more seconds", 3600.0),
        (7, "accesscontrol.limited-by-dynamic-access-count", None, None),
        (7, None, "ban", None),
        (5, None, None, None),
        (10, None, None, None),
        (15, None, None, None),
        (15, "isp.remote-service-error", None, None),
        (15, "isp.top-remote-connection-timeout", "This ban will last for 9 more seconds", None),
        (50, "isp.system-busy", None, None),
    ],
)
async def test_too_many_questions_and_faults_behind_the_gateway_are_for_later(
    api: TaobaoApi, server: TaobaoServer, what: str, code: int, sub_code: str, sub_msg: str, seconds: float | None
) -> None:
    server.complain_next(code, "msg", sub_code, sub_msg)

    with pytest.raises(ApiAway) as away:
        await _asked(api, what)

    assert away.value.after_seconds == seconds
    assert f"error {code} {sub_code or '-'} of taobao." in str(away.value)


@_EACH
@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        (11, "isv.permission-api-package-limit"),
        (12, None),
        (25, "isv.invalid-signature"),
        (26, None),
        (27, "invalid-sessionkey"),
        (41, "isv.invalid-parameter:fields"),
        (15, "isv.invalid-parameter:tid"),
        (50, "isv.invalid-permission"),
        (53, None),
    ],
)
async def test_all_else_is_refused_until_somebody_changes_something(
    api: TaobaoApi, server: TaobaoServer, what: str, code: int, sub_code: str
) -> None:
    server.complain_next(code, "msg", sub_code, "some words")

    with pytest.raises(ApiRefuses) as refusal:
        await _asked(api, what)

    assert f"error {code} {sub_code or '-'} of taobao." in str(refusal.value)
    assert "some words" not in str(refusal.value)


async def test_what_an_error_says_is_shown_only_if_it_is_a_code(api: TaobaoApi, server: TaobaoServer) -> None:
    server.complain_next(15, "msg", "isv.somebody 王小贝 <b>")

    with pytest.raises(ApiRefuses, match=r"error 15 - of taobao\.trade\.fullinfo\.get"):
        await api.order(ACCESS, "1")


async def test_a_refund_that_cannot_be_had_is_not_left_out_in_silence(api: TaobaoApi, server: TaobaoServer) -> None:
    server.put(bodies.trade(orders=orders(sofa(refund_id="11", refund_status="SUCCESS"))))

    with pytest.raises(ApiRefuses, match=r"of taobao\.refund\.get"):
        await api.order(ACCESS, str(bodies.TID))


@_EACH
async def test_a_refused_status_is_refused(api: TaobaoApi, server: TaobaoServer, what: str) -> None:
    server.fail_next(401)

    with pytest.raises(ApiRefuses, match="401"):
        await _asked(api, what)


@_EACH
async def test_a_gateway_that_is_not_there_is_no_missing_trade(api: TaobaoApi, server: TaobaoServer, what: str) -> None:
    server.fail_next(404)

    with pytest.raises(ApiRefuses, match="/router/rest"):
        await _asked(api, what)


@_EACH
@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, {"Retry-After": "7"}, 7.0), (429, {}, None), (500, {}, None), (502, {}, None), (503, {}, None)],
)
async def test_a_gateway_that_is_busy_or_broken_is_away(
    api: TaobaoApi, server: TaobaoServer, what: str, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    server.fail_next(status, headers)

    with pytest.raises(ApiAway, match=str(status)) as away:
        await _asked(api, what)

    assert away.value.after_seconds == seconds


@_EACH
@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html>maintenance</html>",
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"error_response":5}',
        b'{"trade_get_response":{}}',
        b'{"trade_fullinfo_get_response":5,"trades_sold_increment_get_response":5}',
        b'{"trade_fullinfo_get_response":{},"trades_sold_increment_get_response":{}}',
        b'{"trade_fullinfo_get_response":[],"trades_sold_increment_get_response":[]}',
        b'{"trades_sold_increment_get_response":{"total_results":true}}',
        b'{"trades_sold_increment_get_response":{"total_results":-1}}',
        b'{"trades_sold_increment_get_response":{"total_results":' + b"9" * 5000 + b"}}",
        b'{"trades_sold_increment_get_response":{"total_results":1,"trades":{"trade":[{"tid":3.4E18}]}}}',
        b'{"trades_sold_increment_get_response":{"total_results":1,"trades":{"trade":[{}]}}}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"\xff\xfe",
    ],
)
async def test_an_answer_that_is_none_is_for_later(
    api: TaobaoApi, server: TaobaoServer, what: str, body: bytes
) -> None:
    server.fail_next(200, {"content-type": "text/html"}, body)

    with pytest.raises(ApiAway):
        await _asked(api, what)


@pytest.mark.parametrize("trades", [b"[]", b'{"trade":{}}', b'{"trade":[]}', b"null"])
async def test_a_list_without_trades_is_empty(api: TaobaoApi, server: TaobaoServer, trades: bytes) -> None:
    server.fail_next(200, body=b'{"trades_sold_increment_get_response":{"total_results":0,"trades":' + trades + b"}}")

    assert await api.changed_orders(ACCESS, SINCE, None) == Page([])
