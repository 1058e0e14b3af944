"""Bodies as Magento's documentation shapes them, written for these tests.

Source: developer.adobe.com/commerce/webapi, "Order processing tutorial", steps 7 (order), 8 (invoice), 9 (shipment)
and 10 (refund); `Magento\\Sales\\Api\\Data\\CreditmemoInterface`, `CreditmemoItemInterface`, `ShipmentItemInterface`.
"""

import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Body = dict[str, Any]

_ROW: Body = {
    "amount_refunded": 0,
    "applied_rule_ids": "1,5",
    "base_discount_amount": 3,
    "base_original_price": 10,
    "base_price": 10,
    "base_price_incl_tax": 10.75,
    "base_row_total": 30,
    "base_row_total_incl_tax": 32.25,
    "base_tax_amount": 2.03,
    "created_at": "2026-05-02 10:15:00",
    "discount_amount": 3,
    "discount_invoiced": 0,
    "discount_percent": 10,
    "discount_tax_compensation_amount": 0,
    "free_shipping": 0,
    "is_qty_decimal": 0,
    "is_virtual": 0,
    "item_id": 315,
    "name": "Mug",
    "no_discount": 0,
    "order_id": 727,
    "original_price": 10,
    "price": 10,
    "price_incl_tax": 10.75,
    "product_id": 93,
    "product_type": "simple",
    "qty_canceled": 0,
    "qty_invoiced": 0,
    "qty_ordered": 3,
    "qty_refunded": 0,
    "qty_shipped": 0,
    "quote_item_id": 675,
    "row_invoiced": 0,
    "row_total": 30,
    "row_total_incl_tax": 32.25,
    "row_weight": 1,
    "sku": "MUG-3",
    "store_id": 1,
    "tax_amount": 2.03,
    "tax_invoiced": 0,
    "tax_percent": 7.5,
    "updated_at": "2026-05-02 10:15:00",
    "weight": 1,
}

_BILLING: Body = {
    "address_type": "billing",
    "city": "San Francisco",
    "country_id": "US",
    "email": "ann@example.com",
    "entity_id": 204,
    "firstname": "Ann",
    "lastname": "Smith",
    "parent_id": 727,
    "postcode": "94103",
    "region": "California",
    "region_code": "CA",
    "region_id": 12,
    "street": ["969 Market"],
    "telephone": "(415) 555-0123",
}

_ORDER: Body = {
    "applied_rule_ids": "1,5",
    "base_currency_code": "USD",
    "base_discount_amount": -3,
    "base_grand_total": 39.78,
    "base_shipping_amount": 10,
    "base_subtotal": 30,
    "base_tax_amount": 2.78,
    "base_to_global_rate": 1,
    "base_to_order_rate": 1,
    "base_total_due": 39.78,
    "billing_address_id": 204,
    "coupon_code": "spring",
    "created_at": "2026-05-02 10:15:00",
    "customer_dob": "1990-04-01 00:00:00",
    "customer_email": "ann@example.com",
    "customer_firstname": "Ann",
    "customer_group_id": 1,
    "customer_id": 25,
    "customer_is_guest": 0,
    "customer_lastname": "Smith",
    "customer_note_notify": 1,
    "discount_amount": -3,
    "discount_description": "spring",
    "discount_tax_compensation_amount": 0,
    "email_sent": 1,
    "entity_id": 727,
    "global_currency_code": "USD",
    "grand_total": 39.78,
    "increment_id": "000000727",
    "is_virtual": 0,
    "order_currency_code": "USD",
    "protect_code": "61f76d",
    "quote_id": 4,
    "remote_ip": "203.0.113.7",
    "shipping_amount": 10,
    "shipping_description": "Flat Rate - Fixed",
    "shipping_discount_amount": 0,
    "shipping_discount_tax_compensation_amount": 0,
    "shipping_incl_tax": 10.75,
    "shipping_tax_amount": 0.75,
    "state": "new",
    "status": "pending",
    "store_currency_code": "USD",
    "store_id": 1,
    "store_name": "Main Website\nMain Website Store\n",
    "store_to_base_rate": 0,
    "subtotal": 30,
    "subtotal_incl_tax": 32.25,
    "tax_amount": 2.78,
    "total_due": 39.78,
    "total_item_count": 1,
    "total_qty_ordered": 3,
    "updated_at": "2026-05-02 10:15:08",
    "weight": 3,
    "items": [_ROW],
    "billing_address": _BILLING,
    "payment": {
        "account_status": None,
        "additional_information": ["Check / Money order"],
        "amount_ordered": 39.78,
        "cc_last4": "1111",
        "entity_id": 727,
        "method": "checkmo",
        "parent_id": 727,
    },
    "status_histories": [],
    "extension_attributes": {
        "shipping_assignments": [
            {
                "shipping": {
                    "address": {**_BILLING, "address_type": "shipping", "entity_id": 203},
                    "method": "flatrate_flatrate",
                    "total": {"shipping_amount": 10, "shipping_incl_tax": 10.75, "shipping_tax_amount": 0.75},
                },
                "items": [_ROW],
            }
        ]
    },
}

_MEMO_ROW: Body = {
    "base_price": 10,
    "base_row_total": 10,
    "discount_amount": 1,
    "discount_tax_compensation_amount": 0,
    "entity_id": 11,
    "name": "Mug",
    "order_item_id": 315,
    "parent_id": 801,
    "price": 10,
    "product_id": 93,
    "qty": 1,
    "row_total": 10,
    "row_total_incl_tax": 10.75,
    "sku": "MUG-3",
    "tax_amount": 0.68,
}

_MEMO: Body = {
    "adjustment": 0,
    "adjustment_negative": 0,
    "adjustment_positive": 0,
    "base_grand_total": 9.68,
    "created_at": "2026-05-09 08:00:00",
    "discount_amount": -1,
    "email_sent": 1,
    "entity_id": 801,
    "grand_total": 9.68,
    "increment_id": "000000801",
    "invoice_id": 601,
    "order_currency_code": "USD",
    "order_id": 727,
    "shipping_amount": 0,
    "shipping_tax_amount": 0,
    "state": 2,
    "store_id": 1,
    "subtotal": 10,
    "tax_amount": 0.68,
    "updated_at": "2026-05-09 08:00:00",
    "items": [_MEMO_ROW],
    "comments": [],
}

_SHIPMENT: Body = {
    "billing_address_id": 204,
    "created_at": "2026-05-04 09:00:00",
    "customer_id": 25,
    "entity_id": 501,
    "increment_id": "000000501",
    "order_id": 727,
    "packages": [],
    "shipping_label": "JVBERi0xLjQK",
    "store_id": 1,
    "total_qty": 3,
    "updated_at": "2026-05-04 09:00:00",
    "items": [{"entity_id": 21, "name": "Mug", "order_item_id": 315, "parent_id": 501, "product_id": 93, "qty": 3}],
    "tracks": [{"carrier_code": "ups", "entity_id": 1, "order_id": 727, "parent_id": 501, "title": "UPS"}],
    "comments": [],
}

_INVOICE: Body = {
    "created_at": "2026-05-02 10:15:05",
    "entity_id": 601,
    "grand_total": 39.78,
    "increment_id": "000000601",
    "order_currency_code": "USD",
    "order_id": 727,
    "state": 2,
    "store_id": 1,
    "total_qty": 3,
    "updated_at": "2026-05-02 10:15:05",
    "items": [{"entity_id": 3, "order_item_id": 315, "parent_id": 601, "qty": 3, "row_total": 30}],
    "comments": [],
}

PAID: Body = {
    "state": "processing",
    "status": "processing",
    "total_invoiced": 39.78,
    "total_paid": 39.78,
    "total_due": 0,
    "updated_at": "2026-05-02 10:15:06",
}
"""What an order says once all of it was invoiced."""

COMPLETE: Body = {**PAID, "state": "complete", "status": "complete", "updated_at": "2026-05-04 09:00:01"}
"""What it says once all of it was sent as well."""

CANCELED: Body = {
    "state": "canceled",
    "status": "canceled",
    "subtotal_canceled": 30,
    "discount_canceled": 3,
    "tax_canceled": 2.78,
    "shipping_canceled": 10,
    "total_canceled": 39.78,
    "updated_at": "2026-05-03 12:00:00",
}

GUEST: Body = {
    "customer_is_guest": 1,
    "customer_id": None,
    "customer_firstname": None,
    "customer_lastname": None,
    "customer_dob": None,
}
"""What an order says of somebody without an account."""


def order(**changes: Any) -> Body:
    """An order: 3 for 30.00 less 3.00 of a coupon, shipping 10.00, tax 2.78 (0.75 of it for shipping)."""
    return _with(_ORDER, changes)


def row(**changes: Any) -> Body:
    return _with(_ROW, changes)


def memo(**changes: Any) -> Body:
    """A credit memo for one of the three pieces."""
    return _with(_MEMO, changes)


def memo_row(**changes: Any) -> Body:
    return _with(_MEMO_ROW, changes)


def shipment(**changes: Any) -> Body:
    return _with(_SHIPMENT, changes)


def invoice(**changes: Any) -> Body:
    return _with(_INVOICE, changes)


def document(
    of: Body | None = None,
    *,
    creditmemos: Sequence[Body] = (),
    shipments: Sequence[Body] = (),
    invoices: Sequence[Body] = (),
) -> Body:
    """An order with what belongs to it."""
    parts = {"creditmemos": creditmemos, "shipments": shipments, "invoices": invoices}
    return {"order": order() if of is None else of, **{name: list(rows) for name, rows in parts.items()}}


def configurable(**changes: Any) -> list[Body]:
    """A configurable product's two rows: one hoodie for 52.00, without tax; the child has no price at all."""
    parent = row(
        item_id=10, name="Hoodie", product_id=67, product_type="configurable", sku="MH01-S-Gray", qty_ordered=1,
        price=52, base_price=52, row_total=52, discount_amount=0, tax_amount=0, **changes,
    )  # fmt: skip
    child = row(
        item_id=11, parent_item_id=10, parent_item=parent, name="Hoodie-S-Gray", product_id=56, sku="MH01-S-Gray",
        qty_ordered=1, price=0, base_price=0, row_total=0, row_total_incl_tax=0, discount_amount=0, tax_amount=0,
    )  # fmt: skip
    return [parent, child]


def bundle(*prices: int, discount: Decimal | int = 0, tax: Decimal | int = 0, **changes: Any) -> list[Body]:
    """The rows of one bundle that is priced by its parts, each of which has the discount and the tax."""
    whole = sum(prices)
    parent = row(
        item_id=5, name="Companion Kit", product_id=51, product_type="bundle", sku="KIT-A-B", qty_ordered=1,
        price=whole, base_price=whole, row_total=whole, discount_amount=0, tax_amount=float(tax) * len(prices),
        **changes,
    )  # fmt: skip
    return [parent, *(_part(6 + place, parent, price, discount, tax) for place, price in enumerate(prices))]


def bundle_with_own_price(**changes: Any) -> list[Body]:
    """The rows of two bundles at 89.00 each: their parts have no price."""
    parent = row(
        item_id=5, name="Kit", product_id=51, product_type="bundle", sku="KIT-A", qty_ordered=2, price=89,
        base_price=89, row_total=178, discount_amount=8, tax_amount=17, **changes,
    )  # fmt: skip
    child = row(
        item_id=6, parent_item_id=5, name="Part", product_id=29, qty_ordered=2, price=0, base_price=0, row_total=0,
        discount_amount=0, tax_amount=0,
    )  # fmt: skip
    return [parent, child]


def answered_since_2_3(of: Body) -> Body:
    """The order as later versions answer it: `row_total` is less the row's discount, and not below zero."""
    return _with_totals(of, lambda each: max(Decimal(0), _d(each, "row_total") - _d(each, "discount_amount")))


def answered_by_2_4_8(of: Body) -> Body:
    """The order as 2.4.8 answers it: `row_total` is that of one piece, and parts of a bundle have its price."""
    changed = _with_totals(of, lambda each: max(Decimal(0), _d(each, "price") - _d(each, "discount_amount")))
    bundles = {each["item_id"]: each["price"] for each in changed["items"] if each["product_type"] == "bundle"}
    for each in changed["items"]:
        if each.get("parent_item_id") in bundles and each["price"] == 0:
            each["price"] = bundles[each["parent_item_id"]]
    return changed


def numbers_as_text(value: Any) -> Any:
    """The same with every number written as text, as some versions and modules write them."""
    if isinstance(value, Mapping):
        return {name: numbers_as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [numbers_as_text(inner) for inner in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return str(value) if isinstance(value, int) else f"{value:.4f}"


def _part(item_id: int, parent: Body, price: int, discount: Decimal | int, tax: Decimal | int) -> Body:
    return row(
        item_id=item_id, parent_item_id=parent["item_id"], parent_item=parent, name=f"Part {item_id}",
        product_id=100 + item_id, sku=f"PART-{item_id}", qty_ordered=1, price=price, base_price=price,
        row_total=price, discount_amount=float(discount), tax_amount=float(tax),
    )  # fmt: skip


def _with(body: Body, changes: Body) -> Body:
    # A field without a value is left out of an answer.
    return {name: value for name, value in {**copy.deepcopy(body), **changes}.items() if value is not None}


def _with_totals(of: Body, row_total: Any) -> Body:
    changed = copy.deepcopy(of)
    for each in changed["items"]:
        each["row_total"] = float(row_total(each))
    return changed


def _d(source: Body, name: str) -> Decimal:
    return Decimal(str(source.get(name, 0)))
