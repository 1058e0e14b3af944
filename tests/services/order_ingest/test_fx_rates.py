"""Exchange rates over HTTP, and what orders make of them: hooks, imports, boundaries, corrections."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.loyalty.domain import orders as loyalty_orders
from tests.services.order_ingest.conftest import House, Shop, json_lines
from tests.services.order_ingest.test_imports import _order, _run

_DAY = timedelta(days=1)


def _rate(**changes: Any) -> dict[str, Any]:
    return {"from": "EUR", "to": "USD", "rate": "1.0837", "valid_from": "2026-05-01", "source": "ecb", **changes}


async def _feed(house: House, shop: Shop, *rates: dict[str, Any], key: str | None = None) -> httpx.Response:
    headers = house.bearer("fx_rates:write", merchant_id=shop.merchant_id)
    named = {"Idempotency-Key": key or f"key-{next(_KEYS)}"}
    return await house.client.post("/v1/fx_rates", json={"rates": list(rates)}, headers={**headers, **named})


_KEYS = iter(range(10**9))


def _foreign(n: int = 1, currency: str = "EUR", placed_at: str = "2026-05-02T10:15:00Z", **changes: Any) -> Any:
    return _order(n, currency=currency, placed_at=placed_at, **changes)


async def _send(house: House, shop: Shop, *orders: Any) -> None:
    for order in orders:
        assert (await house.send(shop, "order.updated", order)).status_code == 200
    await house.normaliser.drain()


async def _told(house: House) -> list[tuple[str, Any]]:
    facts: list[Any] = await house.facts("order.placed", "order.changed")
    return [(fact.external_order_id, fact.fx) for fact in facts]


async def _rates(house: House, shop: Shop, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await house.get(shop, "/v1/fx_rates", **query))["items"]
    return items


async def test_an_order_in_another_currency_is_told_with_the_rate_of_its_time_for_ever(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")
    fed = await _feed(house, shop, _rate(), _rate(valid_from="2026-05-03", rate="1.2"))

    await _send(house, shop, _foreign())
    await _feed(house, shop, _rate(rate="9.99"), _rate(valid_from="2026-05-02", rate="8.88"))
    await _send(house, shop, _foreign(number="#changed", updated_at="2026-05-20T00:00:00Z"))

    (_, placed), (_, changed) = await _told(house)
    assert (fed.status_code, fed.json()) == (201, {"given": 2, "added": 2})
    assert placed == changed
    # 1 May begins in New York.
    assert placed.model_dump(mode="json") == {
        "to": "USD", "rate": "1.0837", "source": "ecb", "at": "2026-05-01T04:00:00Z",
    }  # fmt: skip
    [shown] = (await house.get(shop, "/v1/orders"))["items"]
    assert (shown["fx"], shown["fx_missing"]) == (placed.model_dump(mode="json"), False)
    assert (await house.get(shop, f"/v1/orders/{shown['order_id']}"))["fx"] == shown["fx"]


async def test_an_order_told_without_a_rate_says_so_and_stays_so(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")
    await _feed(house, shop, _rate(valid_from="2026-05-02T10:15:00.000001Z"), _rate(**{"from": "USD", "to": "EUR"}))

    await _send(house, shop, _foreign(1), _order(2, currency="USD"))
    await _feed(house, shop, _rate())
    await _send(house, shop, _foreign(1, number="#changed", updated_at="2026-05-20T00:00:00Z"), _foreign(3))

    told = sorted((name, str(fx.rate) if fx else None) for name, fx in await _told(house))
    assert told == [("A-1", None), ("A-1", None), ("A-2", None), ("A-3", "1.0837")]
    listed = {each["external_id"]: each["fx_missing"] for each in (await house.get(shop, "/v1/orders"))["items"]}
    assert listed == {"A-1": True, "A-2": False, "A-3": False}
    for missing in (True, False):
        found = (await house.get(shop, "/v1/orders", fx_missing=missing))["items"]
        assert {each["external_id"] for each in found} == {name for name, is_so in listed.items() if is_so is missing}


async def test_a_rate_holds_from_its_instant_on_and_not_a_microsecond_before(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")
    at = "2026-05-02T10:15:00.000001Z"
    await _feed(house, shop, _rate(rate="1"), _rate(rate="2", valid_from=at))

    await _send(
        house, shop, _foreign(1, placed_at="2026-05-02T10:15:00Z"), _foreign(2, placed_at=at),
        _foreign(3, placed_at="2026-05-02T10:15:00.000002Z"),
    )  # fmt: skip

    assert {name: fx.rate for name, fx in await _told(house)} == {
        "A-1": Decimal(1), "A-2": Decimal(2), "A-3": Decimal(2),
    }  # fmt: skip


async def test_history_takes_the_rate_of_its_day_and_one_statement_a_batch(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")
    first = datetime(2025, 1, 1, tzinfo=UTC)
    days = [first + n * _DAY for n in range(0, 300, 7)]
    fed = {day: f"1.{n + 1:04}" for n, day in enumerate(days)}
    await _feed(house, shop, *(_rate(valid_from=day.isoformat(), rate=rate) for day, rate in fed.items()))
    placed = {f"A-{n}": first + timedelta(hours=26 * n - 40) for n in range(250)}
    orders = [
        _foreign(n, currency=("EUR", "USD", "JPY")[n % 3], placed_at=placed[f"A-{n}"].isoformat()) for n in range(250)
    ]

    await house.upload(shop, json_lines(orders))
    await _run(house)

    told = {name: fx.rate if fx else None for name, fx in await _told(house)}
    expected = {
        f"A-{n}": _held(fed, placed[f"A-{n}"]) if n % 3 == 0 else None  # nobody fed a rate for yen
        for n in range(250)
    }
    assert told == expected
    assert len(set(told.values())) > 30


def _held(fed: dict[datetime, str], at: datetime) -> Decimal | None:
    """By walking through all days, as nobody would in SQL."""
    begun = [day for day in fed if day <= at]
    return Decimal(fed[max(begun)]) if begun else None


async def test_the_rate_is_between_whole_units_whatever_decimals_the_currencies_have(house: House) -> None:
    shop = await house.shop("standard", currency="JPY")
    await _feed(
        house, shop, _rate(**{"from": "JPY"}, rate="0.00640"), _rate(**{"from": "KWD"}, rate="3.2534"),
    )  # fmt: skip

    await _send(house, shop, _foreign(1, currency="JPY"), _foreign(2, currency="KWD"))

    facts: list[Any] = await house.facts("order.placed")
    in_cents = {fact.currency: _in_merchants_minor(fact) for fact in facts}
    # 3598 yen are 23.03 dollars; 3.598 dinars are 11.71.
    assert in_cents == {"JPY": 2303, "KWD": 1171}


def _in_merchants_minor(fact: Any) -> int:
    """What loyalty reckons for the order's 3598 minor units of goods."""
    fx = loyalty_orders.Fx(fact.fx.to, fact.fx.rate)
    terms = loyalty_orders.OrderTerms(
        fact.version, fact.placed_at, fact.currency, fact.subtotal_minor, fact.return_window_ends_at, fx, frozenset()
    )
    order = loyalty_orders.Order(merchant_no=1, order_id=fact.order_id, account_id=1, told=terms)
    per_minor = order.rate_to("USD")
    assert per_minor is not None
    return round(per_minor * 3598)


async def test_what_was_fed_last_for_an_instant_holds_and_the_rest_stays_on_record(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")
    for rate in ("1.1", "1.2", "1.2", "1.20", "1.1", "1.3"):
        await _feed(house, shop, _rate(rate=rate))

    await _send(house, shop, _foreign())

    assert [(each["rate"], each["holds"]) for each in await _rates(house, shop)] == [
        ("1.3", True), ("1.1", False), ("1.2", False), ("1.1", False),
    ]  # fmt: skip
    assert [fx.rate for _, fx in await _told(house)] == [Decimal("1.3")]


async def test_the_same_rates_again_add_nothing_and_a_repeated_request_takes_nothing_back(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")

    first = await _feed(house, shop, _rate(), _rate(to="GBP", rate="0.85"), key="may")
    corrected = await _feed(house, shop, _rate(rate="1.09"), _rate(to="GBP", rate="0.850"))
    late = await _feed(house, shop, _rate(), _rate(to="GBP", rate="0.85"), key="may")

    assert [answer.json()["added"] for answer in (first, corrected, late)] == [2, 1, 2]
    assert late.headers["idempotent-replayed"] == "true"
    held = {each["to"]: each["rate"] for each in await _rates(house, shop) if each["holds"]}
    assert held == {"USD": "1.09", "GBP": "0.85"}


async def test_rates_are_listed_by_pair_and_time_and_in_pages(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")
    days = [f"2026-05-{day:02}" for day in range(1, 21)]
    await _feed(house, shop, *(_rate(valid_from=day, rate=f"1.{day[-2:]}") for day in days))
    await _feed(house, shop, _rate(**{"from": "JPY"}), _rate(valid_from="2026-05-20", rate="7"))

    listed: list[dict[str, Any]] = []
    page = await house.get(shop, "/v1/fx_rates", limit=3)
    while True:
        listed += page["items"]
        if page["next_cursor"] is None:
            break
        page = await house.get(shop, "/v1/fx_rates", limit=3, cursor=page["next_cursor"])

    assert len(listed) == 22
    assert listed == sorted(listed, key=lambda each: each["valid_from"], reverse=True)
    assert [each["rate"] for each in listed[:2]] == ["7", "1.2"]
    assert [each["from"] for each in await _rates(house, shop, **{"from": "JPY"})] == ["JPY"]
    until = await _rates(house, shop, **{"from": "EUR", "to": "USD"}, valid_until="2026-05-10T04:00:00Z", limit=1)
    assert [each["rate"] for each in until] == ["1.1"]


async def test_a_small_rate_is_shown_in_plain_digits(shared_house: House) -> None:
    shop = await shared_house.shop("standard", currency="EUR")

    await _feed(shared_house, shop, _rate(rate="0.0000001200"))

    assert [each["rate"] for each in await _rates(shared_house, shop)] == ["0.00000012"]


async def test_rates_are_the_merchants_own(house: House) -> None:
    mine, theirs = await house.shop("standard", currency="EUR"), await house.shop("standard", currency="EUR")

    await _feed(house, mine, _rate())
    await _send(house, theirs, _foreign())

    assert await _told(house) == [("A-1", None)]
    assert await _rates(house, theirs) == []


@pytest.mark.parametrize(
    ("rates", "pointer"),
    [
        ([_rate(rate="0")], "/rates/0/rate"),
        ([_rate(), _rate(rate="-1")], "/rates/1/rate"),
        ([_rate(rate="1e5")], "/rates/0/rate"),
        ([_rate(rate="1.234567890123")], "/rates/0/rate"),
        ([_rate(rate=1.08)], "/rates/0/rate"),
        ([_rate(to="EUR")], "/rates/0"),
        ([_rate(to="EUX")], "/rates/0/to"),
        ([_rate(**{"from": "eur"})], "/rates/0/from"),
        ([_rate(valid_from="2026-05-32")], "/rates/0/valid_from"),
        ([_rate(valid_from="2026-05-01T00:00:00")], "/rates/0/valid_from"),
        ([_rate(source="")], "/rates/0/source"),
        ([_rate(source="e\u0000b")], "/rates/0/source"),
        ([_rate(until="2026-06-01")], "/rates/0/until"),
        ([_rate(), _rate(to="GBP"), _rate(valid_from="2026-05-01T04:00:00Z", rate="2")], "/rates/2"),
        ([], "/rates"),
        ([_rate(valid_from=f"2026-05-01T00:00:00.{n:06}Z") for n in range(1001)], "/rates"),
    ],
)
async def test_what_is_no_rate_is_refused_with_its_place_and_nothing_is_added(
    shared_house: House, rates: Sequence[dict[str, Any]], pointer: str
) -> None:
    shop = await shared_house.shop("standard", currency="EUR")

    answer = await _feed(shared_house, shop, *rates)

    assert answer.status_code == 422, answer.text
    assert [flaw["pointer"] for flaw in answer.json()["errors"]] == [pointer]
    assert await _rates(shared_house, shop) == []


async def test_a_key_is_required_and_a_forged_cursor_refused(shared_house: House) -> None:
    shop = await shared_house.shop("standard", currency="EUR")
    headers = shared_house.bearer("fx_rates:*", merchant_id=shop.merchant_id)

    keyless = await shared_house.client.post("/v1/fx_rates", json={"rates": [_rate()]}, headers=headers)
    forged = await shared_house.client.get("/v1/fx_rates", params={"cursor": _FORGED}, headers=headers)
    reader = shared_house.bearer("fx_rates:read", merchant_id=shop.merchant_id)
    refused = await shared_house.client.post(
        "/v1/fx_rates", json={"rates": [_rate()]}, headers={**reader, "Idempotency-Key": "k"}
    )

    assert [answer.status_code for answer in (keyless, forged, refused)] == [422, 422, 403]


_FORGED = "eyJhdCI6IjIwMjYtMDUtMDFUMDA6MDA6MDArMDA6MDAiLCJubyI6IjEwMDAwMDAwMDAwMDAwMDAwMDAwMDAifQ"
"""At an instant, and behind a number that no database could hold."""


async def test_nobody_changes_a_rate_that_was_fed(house: House) -> None:
    shop = await house.shop("standard", currency="EUR")
    await _feed(house, shop, _rate())

    with pytest.raises(Exception, match="permission denied"):
        async with house.worker.begin() as uow:
            await uow.connection.exec_driver_sql("UPDATE fx_rate SET rate = 2")
