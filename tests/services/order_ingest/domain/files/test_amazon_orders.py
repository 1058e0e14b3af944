"""Amazon's reports become canonical orders: sums of items, without what is pending, cancelled or another shop's."""

import random
from datetime import UTC, datetime

import pytest

from services.order_ingest.domain.files.rows import Refused
from tests.services.order_ingest.domain.files.exports import only, reason, results, seen
from tests.services.order_ingest.domain.files.shapes import (
    AMAZON_HEADERS,
    AMAZON_SHIPPING_HEADERS,
    amazon,
    amazon_parcel,
    amazon_row,
)


def _parcels(*rows: dict[str, str]) -> str:
    return amazon(*rows, columns=AMAZON_SHIPPING_HEADERS)


def test_an_item_s_price_is_for_all_its_pieces() -> None:
    order = only(amazon(amazon_row()))

    content = order.content
    assert order.external_id == "114-3718414-0463502"
    assert (content.shipping_minor, content.tax_minor, content.tax_included) == (599, 368, False)
    assert content.total_minor == 3998 + 599 + 368
    (line,) = content.lines
    assert (line.external_id, line.product_id, line.title) == ("1", "B000WON1Z0", 'Display 24" black')
    assert (line.quantity, line.unit_price_minor, line.total_minor, line.tax_minor) == (2, 1999, 3998, 320)


def test_the_report_knows_the_last_update_and_no_buyer() -> None:
    order = only(amazon(amazon_row(), amazon_row(last_updated_date="2025-03-18T00:00:00+00:00")))

    assert order.updated_us == datetime(2025, 3, 18, tzinfo=UTC).timestamp() * 1_000_000
    assert order.content.placed_at == datetime(2025, 3, 14, 18, 53, 56, tzinfo=UTC)
    assert order.paid_at == order.content.placed_at
    assert (order.person.external_id, order.person.email, order.person.phone) == (None, None, None)


def test_the_order_of_the_columns_does_not_matter() -> None:
    columns = list(AMAZON_HEADERS)
    random.Random(7).shuffle(columns)

    assert only(amazon(amazon_row(), columns=columns)) == only(amazon(amazon_row()))


def test_columns_come_and_go_by_market() -> None:
    columns = ("cpf", *(name for name in AMAZON_HEADERS if name not in ("url", "order-channel", "gift-wrap-price")))

    assert only(amazon(amazon_row(), columns=columns)) == only(amazon(amazon_row()))


def test_a_cancelled_item_is_dropped_and_the_others_keep_their_numbers() -> None:
    gone = amazon_row(item_status="Cancelled", quantity="0", item_price="", currency="", shipping_price="", item_tax="")
    order = only(amazon(gone, amazon_row(product_name="Cable")))

    assert [(line.external_id, line.title) for line in order.content.lines] == [("2", "Cable")]
    assert (order.content.total_minor, order.cancelled) == (4965, None)


@pytest.mark.parametrize("cells", [{"order_status": "Cancelled"}, {"item_status": "Cancelled"}])
def test_an_order_with_nothing_left_is_cancelled(cells: dict[str, str]) -> None:
    order = only(amazon(amazon_row(item_price="", quantity="0", **cells)))

    assert order.cancelled is not None
    assert order.cancelled.at == datetime(2025, 3, 17, 8, 12, tzinfo=UTC)
    assert (order.content.financial_status, order.paid_at, order.content.lines) == ("voided", None, ())


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (
            {"order_status": "Pending", "item_price": ""},
            "order-status: the order is pending: Amazon tells its prices later",
        ),
        ({"item_price": ""}, "item-price: is empty although the order is not pending"),
        (
            {"sales_channel": "Non-Amazon US"},
            "sales-channel: is a parcel that Amazon sent for another shop, which tells the order itself",
        ),
        (
            {"amazon_order_id": "1.14E+16"},
            "amazon-order-id: a spreadsheet has saved the id as a rounded number: the id is lost, export again",
        ),
        ({"last_updated_date": ""}, "last-updated-date: is empty"),
        ({"currency": ""}, "currency: is told neither by the file nor by the options"),
        ({"item_promotion_discount": "50.00"}, "item-promotion-discount: is more than item-price"),
    ],
)
def test_what_is_no_sale_yet_or_never_is_refused_with_its_reason(cells: dict[str, str], why: str) -> None:
    assert reason(amazon(amazon_row(**cells))) == why


def test_items_in_two_currencies_are_refused() -> None:
    assert (
        reason(amazon(amazon_row(), amazon_row(currency="CAD"))) == "currency: differs between the items of the order"
    )


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_promotion_takes_off_whatever_its_sign(sign: str) -> None:
    content = only(
        amazon(amazon_row(item_promotion_discount=f"{sign}4.00", ship_promotion_discount=f"{sign}5.99"))
    ).content

    assert (content.lines[0].discount_minor, content.lines[0].total_minor, content.shipping_minor) == (400, 3598, 0)
    assert content.total_minor == 3598 + 368


def test_gift_wrap_is_paid_for_its_item() -> None:
    content = only(amazon(amazon_row(gift_wrap_price="3.00", gift_wrap_tax="0.25"))).content

    assert (content.lines[0].total_minor, content.lines[0].unit_price_minor) == (4298, 1999)
    assert content.total_minor == 4965 + 325


@pytest.mark.parametrize(
    ("cells", "total"),
    [
        (
            {
                "currency": "JPY",
                "item_price": "3998",
                "item_tax": "363",
                "shipping_price": "410.00",
                "shipping_tax": "37",
            },
            4408,
        ),
        ({"currency": "EUR", "sales_channel": "Amazon.de"}, 4597),
    ],
)
def test_outside_north_america_taxes_are_inside(cells: dict[str, str], total: int) -> None:
    content = only(amazon(amazon_row(**cells))).content

    assert (content.tax_included, content.total_minor) == (True, total)


def test_the_owner_s_word_on_taxes_is_final() -> None:
    assert only(amazon(amazon_row(currency="EUR")), tax_included=False).content.total_minor == 4965


def test_an_unshipped_order_is_not_paid_yet() -> None:
    order = only(amazon(amazon_row(order_status="Unshipped", item_status="Unshipped")))

    assert (order.content.financial_status, order.paid_at) == ("authorized", None)


def test_a_japanese_report_is_read_in_its_encoding() -> None:
    row = amazon_row(currency="JPY", item_price="3998", item_tax="0", shipping_price="0", shipping_tax="0")
    content = amazon(row | {"product-name": "ステンレス製マグカップ（青）"}, end="\r\n").encode("cp932")

    assert only(content).content.lines[0].title == "ステンレス製マグカップ（青）"


def test_a_row_that_is_too_short_spoils_its_neighbours() -> None:
    rows = [amazon_row(amazon_order_id=f"114-000000{n}-0000000") for n in range(4)]
    lines = amazon(*rows).splitlines(keepends=True)
    lines[2] = "\t".join(lines[2].split("\t")[:20]) + "\n"

    found = results("".join(lines))

    assert [(result.line, type(result) is Refused) for result in found] == [(3, True), (2, True), (4, True), (5, False)]


def test_a_parcel_knows_its_buyer_by_an_alias() -> None:
    order = only(_parcels(amazon_parcel()))

    assert order.external_id == "250-3563777-5518068"
    person = order.person
    assert person.email == "a222d34b3891234b@marketplace.amazon.com"
    assert (person.phone, person.region) == ("555-123-4567", "US")
    assert (person.given_name, person.family_name) == ("Joe", "Smith")


def test_a_parcel_s_items_have_ids_and_its_payment_a_time() -> None:
    order = only(_parcels(amazon_parcel(), amazon_parcel(order_item_id="20583563777345", item_price="10.00")))

    assert [line.external_id for line in order.content.lines] == ["10583563777345", "20583563777345"]
    assert order.content.total_minor == 34999 + 1000 + 2 * (2800 + 1999 + 160)
    assert order.paid_at == datetime(2025, 1, 1, 19, 20, tzinfo=UTC)
    assert order.updated_us == order.paid_at.timestamp() * 1_000_000


@pytest.mark.parametrize(
    "cells",
    [
        {"recipient_name": "Aunt Polly"},
        {"ship_phone_number": "+1 207-835-4259 ext. 41982"},
        {"ship_phone_number": ""},
    ],
)
def test_a_phone_that_may_be_another_s_names_nobody(cells: dict[str, str]) -> None:
    assert only(_parcels(amazon_parcel(**cells))).person.phone is None


def test_the_buyer_s_own_phone_comes_first() -> None:
    parcel = amazon_parcel(buyer_phone_number="555-000-0000", recipient_name="Aunt Polly")

    assert only(_parcels(parcel)).person.phone == "555-000-0000"


def test_parcels_are_told_apart_by_their_order() -> None:
    found = results(_parcels(amazon_parcel(), amazon_parcel(order_id="250-0000000-0000001")))

    assert [seen(result).external_id for result in found] == ["250-3563777-5518068", "250-0000000-0000001"]
