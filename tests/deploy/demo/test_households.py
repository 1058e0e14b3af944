"""The baskets, their two translations, and the plan of the demo."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from deploy.demo.bodies import canonical_order, shopify_order
from deploy.demo.calendar import Calendar, newest_calendar
from deploy.demo.deliveries import Cancellation, PartialRefund, live_deliveries, planned_return
from deploy.demo.households import Basket, Line, consents, last_recorded, read_baskets, transactions_file
from deploy.demo.plan import PlanFile
from deploy.local.errors import Refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return newest_calendar(last_recorded(), NOW)


@pytest.fixture(scope="module")
def baskets(calendar: Calendar) -> list[Basket]:
    return list(read_baskets(calendar, households=60))


def test_a_sample_is_all_of_its_households_baskets(baskets: list[Basket]) -> None:
    households = {basket.household_id for basket in baskets}
    counted = duckdb.execute(
        "SELECT count(DISTINCT basket_id) FROM read_parquet(?) WHERE household_id IN (SELECT unnest(?))",
        [str(transactions_file()), list(households)],
    ).fetchone()

    assert len(households) == 60
    assert counted == (len(baskets),)


def test_baskets_come_in_the_order_of_time_and_each_household_has_one_first(baskets: list[Basket]) -> None:
    assert all(one.placed_at <= other.placed_at for one, other in pairwise(baskets))
    assert sorted(basket.household_id for basket in baskets if basket.is_first) == sorted(
        {basket.household_id for basket in baskets}
    )


def test_a_line_adds_up(baskets: list[Basket]) -> None:
    for line in (line for basket in baskets for line in basket.lines):
        assert line.unit_price_minor * line.quantity - line.discount_minor == line.total_minor
        assert 1 <= line.quantity <= 100
        assert line.total_minor >= 0
        assert line.discount_minor >= 0


def test_totals_are_the_sources(baskets: list[Basket]) -> None:
    row = duckdb.execute(
        "SELECT sum(greatest(cast(sales_value AS DECIMAL(9, 2)) - cast(coupon_disc AS DECIMAL(9, 2)), 0)) * 100"
        " FROM read_parquet(?) WHERE basket_id IN (SELECT unnest(?))",
        [str(transactions_file()), [basket.basket_id for basket in baskets]],
    ).fetchone()

    assert row is not None
    assert int(row[0]) == sum(basket.total_minor for basket in baskets)


def test_both_translations_tell_the_same_order(baskets: list[Basket]) -> None:
    basket = baskets[7]
    ours, theirs = canonical_order(basket), shopify_order(basket)

    assert str(theirs["id"]) == ours["id"]
    assert str(theirs["customer"]["id"]) == ours["customer"]["id"]
    assert theirs["total_price"] == f"{basket.total_minor / 100:.2f}"
    assert [str(line["id"]) for line in theirs["line_items"]] == [line["id"] for line in ours["lines"]]
    assert [line["title"] for line in theirs["line_items"]] == [line["title"] for line in ours["lines"]]


def test_most_households_consent_and_always_the_same_ones() -> None:
    share = sum(consents(number) for number in range(1, 2501)) / 2500

    assert share == pytest.approx(0.8, abs=0.02)


def test_every_delivery_is_signed_over_its_bytes_and_has_an_id_of_its_own(baskets: list[Basket]) -> None:
    deliveries = live_deliveries(baskets[-20:], last_at=baskets[-1].placed_at)
    headers = deliveries[0].headers(domain="shop.example.com", secret="secret")

    expected = base64.b64encode(hmac.new(b"secret", deliveries[0].body, hashlib.sha256).digest()).decode()
    assert headers["X-Shopify-Hmac-Sha256"] == expected
    assert len({delivery.webhook_id for delivery in deliveries}) == len(deliveries)
    assert deliveries == live_deliveries(baskets[-20:], last_at=baskets[-1].placed_at)


def test_no_delivery_lies_after_the_last_order(baskets: list[Basket]) -> None:
    last = baskets[-1].placed_at

    assert max(delivery.at for delivery in live_deliveries(baskets, last_at=last)) == last


def test_a_few_orders_in_a_hundred_come_back_and_a_refund_is_part_of_its_line(baskets: list[Basket]) -> None:
    last = baskets[-1].placed_at
    returns = [found for basket in baskets if (found := planned_return(basket, last_at=last))]

    refunds = [each for each in returns if isinstance(each, PartialRefund)]
    cancelled = [each for each in returns if isinstance(each, Cancellation)]
    assert 0.015 < len(refunds) / len(baskets) < 0.04
    assert 0.005 < len(cancelled) / len(baskets) < 0.03
    assert all(0 < each.amount_minor <= each.line.total_minor and each.quantity == 1 for each in refunds)


def test_a_refund_stands_in_its_own_delivery_and_in_the_order(baskets: list[Basket]) -> None:
    last = baskets[-1].placed_at
    refunded = next(each for each in baskets if isinstance(planned_return(each, last_at=last), PartialRefund))

    told = {each.topic: json.loads(each.body) for each in live_deliveries([refunded], last_at=last)}

    assert told["orders/updated"]["refunds"] == [told["refunds/create"]]
    assert told["orders/updated"]["financial_status"] == "partially_refunded"


def test_an_order_with_one_article_is_never_refunded_in_part() -> None:
    line = Line(
        product_id=1, title="Milk", brand=None, category_path=(), quantity=1, unit_price_minor=100,
        discount_minor=0, total_minor=100,
    )  # fmt: skip
    for number in range(2_000):
        basket = Basket(basket_id=number, household_id=1, placed_at=NOW, is_first=False, lines=(line,))
        assert not isinstance(planned_return(basket, last_at=NOW + timedelta(days=1)), PartialRefund)


def test_a_later_run_has_the_first_ones_plan(tmp_path: Path) -> None:
    file = PlanFile(tmp_path / "demo")
    first = file.open(now=NOW, households=None)
    file.keep(replace(first, merchant_id="m"))

    later = file.open(now=NOW + timedelta(days=100), households=None)

    assert (later.weeks, later.as_of, later.shopify_secret) == (first.weeks, first.as_of, first.shopify_secret)
    assert (later.merchant_id, later.as_of_instant) == ("m", NOW)


def test_another_number_of_households_is_refused(tmp_path: Path) -> None:
    PlanFile(tmp_path).open(now=NOW, households=None)

    with pytest.raises(Refused, match=r"all households, now 5 households .*make reset"):
        PlanFile(tmp_path).open(now=NOW, households=5)
