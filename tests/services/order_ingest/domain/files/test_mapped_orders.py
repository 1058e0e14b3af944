"""Columns that the owner names: rows of one order with its total on each, in whatever headers a plugin writes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.files.errors import UnfitOptions
from services.order_ingest.domain.reading import microseconds
from tests.services.order_ingest.domain.files import exports
from tests.services.order_ingest.domain.files.exports import results
from tests.services.order_ingest.domain.files.shapes import written

_HEADERS = (
    *("Order ID", "Order Date", "Date Paid", "Order Status", "Customer ID", "Email", "First Name"),
    *("Product", "Qty", "Item Cost", "Line Total", "Shipping", "Tax", "Discount", "Order Total", "Refunded"),
)
_PLAIN = {
    "id": "Order ID",
    "placed_at": "Order Date",
    "paid_at": "Date Paid",
    "financial_status": "Order Status",
    "customer.id": "Customer ID",
    "customer.email": "Email",
    "customer.given_name": "First Name",
    "lines.title": "Product",
    "lines.quantity": "Qty",
    "shipping_minor": "Shipping",
    "tax_minor": "Tax",
    "discount_minor": "Discount",
    "total_minor": "Order Total",
    "refunds.amount_minor": "Refunded",
}
_BY_LINE = _PLAIN | {"lines.total_minor": "Line Total"}
_BY_PRICE = _PLAIN | {"lines.unit_price_minor": "Item Cost"}


def _row(**cells: str) -> dict[str, str]:
    row = {
        "Order ID": "501",
        "Order Date": "2025-04-05 09:25:08",
        "Date Paid": "2025-04-05T09:25:13",
        "Order Status": "wc-completed",
        "Customer ID": "0",
        "Email": "zoe@example.com",
        "First Name": "Zoé",
        "Product": "Mug",
        "Qty": "2",
        "Item Cost": "10.00",
        "Line Total": "18.00",
        "Shipping": "4.00",
        "Tax": "1.50",
        "Discount": "2.00",
        "Order Total": "31.50",
    }
    return row | {name.replace("_", " "): value for name, value in cells.items()}


_PLATE = _row(Product="Plate", Qty="1", Item_Cost="8.00", Line_Total="8.00")


def _options(mapping: dict[str, str], **options: Any) -> dict[str, Any]:
    return {"mapping": mapping, "currency": "EUR", "time_zone": "Europe/Paris", **options}


def _order(*rows: dict[str, str], mapping: dict[str, str] = _BY_LINE, **options: Any) -> OrderSeen:
    return exports.only(written(_HEADERS, rows), "woocommerce_mapped", **_options(mapping, **options))


def _reason(*rows: dict[str, str], mapping: dict[str, str] = _BY_LINE, **options: Any) -> str:
    return exports.reason(written(_HEADERS, rows), "woocommerce_mapped", **_options(mapping, **options))


@pytest.mark.parametrize("mapping", [_BY_LINE, _BY_PRICE])
def test_rows_of_one_order_are_one_order_with_their_total_once(mapping: dict[str, str]) -> None:
    order = _order(_row(), _PLATE, mapping=mapping)

    content = order.content
    assert (order.external_id, content.total_minor, content.goods_minor) == ("501", 3150, 2600)
    assert (content.shipping_minor, content.tax_minor, content.tax_included) == (400, 150, False)
    assert [(line.external_id, line.title, line.quantity) for line in content.lines] == [
        ("1", "Mug", 2),
        ("2", "Plate", 1),
    ]


def test_times_of_two_shapes_in_one_row_are_local() -> None:
    order = _order(_row(), _PLATE)

    assert order.content.placed_at == datetime(2025, 4, 5, 7, 25, 8, tzinfo=UTC)
    assert order.paid_at == datetime(2025, 4, 5, 7, 25, 13, tzinfo=UTC)
    assert order.updated_us == order.paid_at.timestamp() * 1_000_000


def test_customer_nought_is_a_guest_with_an_address() -> None:
    person = _order(_row(), _PLATE).person

    assert (person.external_id, person.email, person.given_name) == (None, "zoe@example.com", "Zoé")


def test_a_customer_has_an_id() -> None:
    assert _order(_row(Customer_ID="17"), _PLATE).person.external_id == "17"


def test_a_guest_without_an_address_is_nobody() -> None:
    assert _order(_row(Email=""), _PLATE).person.given_name is None


def test_a_file_without_prices_shares_what_the_goods_cost_by_pieces() -> None:
    lines = _order(_row(Discount=""), _PLATE, mapping=_PLAIN).content.lines

    assert [line.total_minor for line in lines] == [1733, 867]


def test_prices_may_hold_the_tax() -> None:
    content = _order(_row(Order_Total="30.00"), _PLATE | {"Order Total": "30.00"}).content

    assert (content.tax_included, content.total_minor) == (True, 3000)


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("Processing", "paid"),
        ("on-hold", "pending"),
        ("Pending payment", "pending"),
        ("failed", "voided"),
        ("cancelled", "voided"),
        ("Refunded", "refunded"),
    ],
)
def test_a_status_is_woocommerce_s_with_or_without_prefix(status: str, found: str) -> None:
    order = _order(_row(Order_Status=status), _PLATE)

    assert order.content.financial_status == found
    assert (order.cancelled is not None) == (status == "cancelled")
    assert [refund.amount_minor for refund in order.refunds] == ([3150] if found == "refunded" else [])


def test_a_refund_is_what_its_column_says() -> None:
    order = _order(_row(Refunded="5.00"), _PLATE)

    (refund,) = order.refunds
    assert (refund.external_id, microseconds(refund.at), refund.amount_minor) == ("export", order.updated_us, 500)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"Order_Total": "32.00"}, "Order Total: differs between the rows of the order: 31.50 EUR and 32.00 EUR"),
        (
            {"Line_Total": "17.00"},
            "the stated total is 31.50 EUR, but lines, discounts, shipping and taxes make 28.50 EUR",
        ),
        ({"Order_Status": "checkout-draft"}, "Order Status: is none of WooCommerce's for a placed order"),
        (
            {"Order_Date": "04/05/2025"},
            "Order Date: does not say which is the day and which the month: date_order must",
        ),
        ({"Product": ""}, "Product: is empty"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_reason(cells: dict[str, str], why: str) -> None:
    assert _reason(_row(**cells), _PLATE) == why


def test_a_mapped_column_that_is_not_there_is_said() -> None:
    mapping = _BY_LINE | {"customer.email": "E-Mail"}

    assert (
        _reason(_row(), _PLATE, mapping=mapping)
        == "E-Mail: the file has no such column, which is mapped to customer.email"
    )


def test_a_currency_may_stand_in_a_column() -> None:
    content = written([*_HEADERS, "Curr"], [_row() | {"Curr": "TWD"}, _PLATE | {"Curr": "TWD"}])
    options = _options(_BY_LINE | {"currency": "Curr"}, currency=None)

    assert exports.only(content, "woocommerce_mapped", **options).content.currency == "TWD"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"mapping": {}}, "woocommerce_mapped needs mapping"),
        ({"time_zone": None}, "woocommerce_mapped needs time_zone"),
        ({"currency": None}, "currency must be given or mapped"),
        ({"mapping": {"id": "Order ID"}}, "the mapping lacks lines.title, placed_at, total_minor"),
        ({"mapping": _BY_LINE | {"color": "Color"}}, "the mapping names color, which cannot be mapped"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_a_row_is_read(options: dict[str, Any], why: str) -> None:
    with pytest.raises(UnfitOptions, match=f"^{why}$"):
        results(written(_HEADERS, [_row()]), "woocommerce_mapped", **{**_options(_BY_LINE), **options})
