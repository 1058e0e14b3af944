"""Shopify's orders_export.csv becomes canonical orders whose total is the file's, or is refused with both figures."""

from datetime import UTC, datetime

import pytest

from services.order_ingest.domain.files.presets import Converted
from services.order_ingest.domain.files.rows import Refused
from services.order_ingest.domain.reading import microseconds
from tests.services.order_ingest.domain.files.exports import only, reason, results, seen
from tests.services.order_ingest.domain.files.shapes import shopify, shopify_head, shopify_line


def test_an_order_comes_over_whole() -> None:
    order = only(shopify(shopify_head()))

    content = order.content
    assert order.external_id == "3791234567890"
    assert (content.number, content.currency, content.financial_status) == ("#1001", "USD", "paid")
    assert content.total_minor == 4278
    assert (content.shipping_minor, content.tax_minor, content.tax_included) == (500, 280, False)
    assert (content.channel, content.coupon_codes, content.discount_minor) == ("web", ("SPRING",), 500)
    (line,) = content.lines
    assert (line.external_id, line.title, line.quantity, line.brand) == ("1", "Mug - Blue", 2, "Acme")
    assert (line.unit_price_minor, line.discount_minor, line.total_minor) == (1999, 500, 3498)


def test_times_keep_their_offset_and_the_latest_is_the_version() -> None:
    order = only(shopify(shopify_head()))

    assert order.content.placed_at == datetime(2021, 5, 13, 9, 1, 13, tzinfo=UTC)
    assert order.paid_at == datetime(2021, 5, 13, 9, 1, 14, tzinfo=UTC)
    assert order.updated_us == datetime(2021, 5, 14, 7, tzinfo=UTC).timestamp() * 1_000_000


def test_guards_of_spreadsheets_do_not_get_into_a_phone() -> None:
    person = only(shopify(shopify_head())).person

    assert (person.email, person.phone, person.region) == ("ann@example.com", "+12125550123", "US")
    assert (person.given_name, person.family_name, person.accepts_marketing) == ("Ann", "Smith", True)


@pytest.mark.parametrize(
    ("cell", "found"), [("yes", True), ("no", False), ("true", True), ("FALSE", False), ("", None)]
)
def test_accepting_marketing_is_yes_or_no_in_either_words(cell: str, found: bool | None) -> None:
    assert only(shopify(shopify_head(Accepts_Marketing=cell))).person.accepts_marketing is found


def test_a_guest_may_have_a_phone_only() -> None:
    person = only(shopify(shopify_head(Email=""))).person

    assert (person.email, person.phone) == (None, "+12125550123")


def test_an_address_s_phone_names_nobody() -> None:
    person = only(shopify(shopify_head(Email="", Phone=""))).person

    assert (person.email, person.phone, person.given_name) == (None, None, None)


def test_a_country_comes_from_the_store_s_locale_if_the_row_has_none() -> None:
    content = shopify(shopify_head(Billing_Country=""))

    assert only(content, locale="de-AT").person.region == "AT"
    assert only(content).person.region is None
    assert only(shopify(shopify_head(Billing_Country="中国"))).person.region is None


def test_order_cells_stand_on_the_first_row_only() -> None:
    content = shopify(
        shopify_head(Total="52.78", Subtotal="44.98"),
        shopify_line(),
        shopify_head(Name="#1002", Id="3791234567891"),
    )

    first, second = map(seen, results(content))

    assert [line.title for line in first.content.lines] == ["Mug - Blue", "Plate"]
    assert [line.external_id for line in first.content.lines] == ["1", "2"]
    assert first.content.total_minor == 5278
    assert sum(line.discount_minor for line in first.content.lines) == 500
    assert (second.external_id, second.content.total_minor) == ("3791234567891", 4278)


def test_an_order_is_known_by_the_line_where_it_starts() -> None:
    content = shopify(
        shopify_head(Notes='Please ring,\n"twice"\n\nthank you'), shopify_head(Name="#1002", Id="3791234567891")
    )

    assert [(result.line, isinstance(result, Converted)) for result in results(content)] == [(2, True), (6, True)]


def test_two_shops_orders_of_one_name_stay_two() -> None:
    found = results(shopify(shopify_head(), shopify_head(Id="5550000001")))

    assert [seen(result).external_id for result in found] == ["3791234567890", "5550000001"]


@pytest.mark.parametrize(
    ("cells", "discounts"),
    [
        ({"Lineitem_discount": "5.00"}, 500),
        ({"Lineitem_discount": "5.00", "Discount_Amount": "0.00"}, 500),
        ({"Lineitem_discount": "2.00", "Discount_Amount": "3.00"}, 500),
        ({"Discount_Amount": "0.00", "Subtotal": "39.98", "Total": "47.78"}, 0),
        ({"Subtotal": ""}, 500),
    ],
)
def test_the_discount_that_makes_the_total_counts(cells: dict[str, str], discounts: int) -> None:
    content = only(shopify(shopify_head(**cells))).content

    assert content.discount_minor == discounts
    assert content.total_minor == (4278 if discounts else 4778)


def test_a_free_shipping_code_takes_off_shipping_not_goods() -> None:
    content = only(shopify(shopify_head(Subtotal="39.98", Total="42.78", Discount_Code="FREESHIP"))).content

    assert (content.lines[0].total_minor, content.shipping_minor, content.total_minor) == (3998, 0, 4278)


def test_taxes_may_be_inside_the_prices() -> None:
    content = only(shopify(shopify_head(Currency="EUR", Total="39.98"))).content

    assert (content.tax_included, content.tax_minor, content.total_minor) == (True, 280, 3998)


def test_taxes_by_name_stand_for_a_missing_sum() -> None:
    cells = {"Taxes": "", "Tax_1_Value": "2.00", "Tax_2_Name": "City tax", "Tax_2_Value": "0.80"}

    assert only(shopify(shopify_head(**cells))).content.tax_minor == 280


def test_duties_are_in_the_total() -> None:
    content = only(shopify(shopify_head(Duties="7.00", Total="49.78"))).content

    assert (content.total_minor, content.shipping_minor) == (4978, 1200)


def test_a_currency_without_decimals_stays_whole() -> None:
    cells = {
        "Currency": "CLP",
        "Subtotal": "163056",
        "Shipping": "1",
        "Taxes": "30981",
        "Total": "194038",
        "Discount_Amount": "5000",
        "Lineitem_quantity": "2",
        "Lineitem_price": "84028",
        "Lineitem_discount": "0",
        "Refunded_Amount": "0",
    }

    assert only(shopify(shopify_head(**cells))).content.total_minor == 194038


def test_a_refund_without_a_date_is_of_the_order_s_last_known_change() -> None:
    order = only(shopify(shopify_head(Refunded_Amount="12.50", Financial_Status="partially_refunded")))

    (refund,) = order.refunds
    assert (refund.external_id, microseconds(refund.at), refund.amount_minor) == ("export", order.updated_us, 1250)
    assert 0 < sum(line.amount_minor for line in refund.lines) <= 1250


def test_an_unpaid_order_has_no_time_of_payment() -> None:
    order = only(shopify(shopify_head(Financial_Status="pending", Paid_at="", Fulfilled_at="")))

    assert (order.content.financial_status, order.paid_at) == ("pending", None)


def test_a_cancelled_order_is_cancelled() -> None:
    order = only(shopify(shopify_head(Financial_Status="voided", Cancelled_at="2021-05-20 10:00:00 +0200")))

    assert order.cancelled is not None
    assert order.cancelled.at == datetime(2021, 5, 20, 8, tzinfo=UTC)
    assert order.updated_us == order.cancelled.at.timestamp() * 1_000_000


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"Total": "99.99"}, "the stated total is 99.99 USD, but lines, discounts, shipping and taxes make 42.78 USD"),
        ({"Id": "3.79E+12"}, "Id: a spreadsheet has saved the id as a rounded number: the id is lost, export again"),
        ({"Id": ""}, "Id: is empty: the order has no id"),
        ({"Total": ""}, "Total: is empty"),
        ({"Currency": ""}, "Currency: is empty"),
        ({"Currency": "DOGE"}, "currency: is no ISO 4217 code"),
        ({"Total": "42,78"}, "Total: is not written as an amount with a decimal point"),
        ({"Total": "42.785"}, "Total: 42.785 has more decimals than USD"),
        ({"Refunded_Amount": "-1.00"}, "Refunded Amount: is negative"),
        ({"Discount_Amount": "-5.00"}, "Discount Amount: is negative"),
        ({"Financial_Status": "thrilled"}, "Financial Status: is none of Shopify's"),
        ({"Created_at": ""}, "Created at: is empty"),
        (
            {"Created_at": "05/13/2021 11:01"},
            "Created at: does not say which is the day and which the month: date_order must",
        ),
        (
            {"Created_at": "1970-01-01 00:00:00 +0000", "Paid_at": ""},
            "/placed_at: is not an instant of these centuries",
        ),
        ({"Lineitem_quantity": "1.5"}, "Lineitem quantity: is no whole quantity"),
        ({"Lineitem_price": ""}, "Lineitem price: is empty"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_reason(cells: dict[str, str], why: str) -> None:
    assert reason(shopify(shopify_head(**cells))) == why


def test_a_file_saved_again_by_a_european_spreadsheet_is_read_with_its_options() -> None:
    cells = {
        name: value.replace(".", ",")
        for name, value in shopify_head().items()
        if value.endswith(("98", "99", "00", "80", "78"))
    }
    content = shopify(shopify_head() | cells, delimiter=";", end="\r\n")

    assert only(content, decimal_comma=True).content.total_minor == 4278


def test_a_lost_row_spoils_its_order_but_not_the_next() -> None:
    content = shopify(
        shopify_head(Total="52.78", Subtotal="44.98"), shopify_line(), shopify_head(Name="#1002", Id="3791234567891")
    )
    lines = content.splitlines(keepends=True)
    lines[2] = "#1001,ann@example.com,short\n"

    short, spoiled, whole = results("".join(lines))

    assert (short, type(spoiled), type(whole)) == (Refused(3, "the row has 3 cells, the header 79"), Refused, Converted)
    assert spoiled == Refused(2, "line 3 beside it could not be read and may be one of its lines", "#1001")


def test_an_export_of_2021_with_fewer_columns_is_read_as_well() -> None:
    newer = ("Payment ID", "Payment Terms Name", "Next Payment Due At", "Payment References")
    rows = shopify(shopify_head()).split(",Payment ID")[0]
    older = rows + "\n" + shopify(shopify_head()).split("\n")[1].removesuffix("," * len(newer)) + "\n"

    assert only(older).content.total_minor == 4278
