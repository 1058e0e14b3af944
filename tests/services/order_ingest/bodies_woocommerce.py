"""Bodies as WooCommerce's documentation shapes them, written for these tests.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Orders" (order properties, line items, fee lines, coupon
lines, refunds), "Customers" (customer properties) and "Products" (product properties, categories, brands).
"""

import copy
from typing import Any

_LINE: dict[str, Any] = {
    "id": 315,
    "name": "Mug &amp; Spoon &ndash; Blue",
    "product_id": 93,
    "variation_id": 0,
    "quantity": 3,
    "tax_class": "",
    "subtotal": "30.00",
    "subtotal_tax": "2.25",
    "total": "27.00",
    "total_tax": "2.03",
    "taxes": [{"id": 75, "total": "2.025", "subtotal": "2.25"}],
    "meta_data": [],
    "sku": "MUG-3",
    # Numbers, not strings: so they come.
    "price": 9,
}

_FEE: dict[str, Any] = {
    "id": 319,
    "name": "Gift wrapping",
    "tax_class": "",
    "tax_status": "taxable",
    "amount": "2",
    "total": "2.00",
    "total_tax": "0.15",
    "taxes": [],
    "meta_data": [],
}

_REFUND: dict[str, Any] = {"id": 801, "reason": "one was broken", "total": "-10.00"}

_BILLING: dict[str, Any] = {
    "first_name": "Ann",
    "last_name": "Smith",
    "company": "",
    "address_1": "969 Market",
    "address_2": "",
    "city": "San Francisco",
    "state": "CA",
    "postcode": "94103",
    "country": "US",
    "email": "ann@example.com",
    "phone": "(415) 555-0123",
}

_ORDER: dict[str, Any] = {
    "id": 727,
    "parent_id": 0,
    "number": "A-727",
    "order_key": "wc_order_58d2d042d1d",
    "created_via": "checkout",
    "version": "9.4.2",
    "status": "processing",
    "currency": "USD",
    "date_created": "2026-05-02T06:15:00",
    "date_created_gmt": "2026-05-02T10:15:00",
    "date_modified": "2026-05-02T06:15:08",
    "date_modified_gmt": "2026-05-02T10:15:08",
    "discount_total": "3.00",
    "discount_tax": "0.22",
    "shipping_total": "10.00",
    "shipping_tax": "0.75",
    "cart_tax": "2.03",
    "total": "39.78",
    "total_tax": "2.78",
    "prices_include_tax": False,
    "customer_id": 25,
    "customer_ip_address": "203.0.113.7",
    "customer_user_agent": "Mozilla/5.0",
    "customer_note": "",
    "billing": _BILLING,
    "shipping": {**_BILLING, "phone": ""},
    "payment_method": "stripe",
    "payment_method_title": "Card",
    "transaction_id": "",
    "date_paid": "2026-05-02T06:15:05",
    "date_paid_gmt": "2026-05-02T10:15:05",
    "date_completed": None,
    "date_completed_gmt": None,
    "cart_hash": "",
    "meta_data": [{"id": 13106, "key": "_download_permissions_granted", "value": "yes"}],
    "line_items": [_LINE],
    "tax_lines": [{"id": 318, "rate_code": "US-CA-STATE TAX", "rate_id": 75, "tax_total": "2.03"}],
    "shipping_lines": [{"id": 317, "method_id": "flat_rate", "total": "10.00", "total_tax": "0.75", "taxes": []}],
    "fee_lines": [],
    "coupon_lines": [{"id": 320, "code": "spring", "discount": "3", "discount_tax": "0.22", "meta_data": []}],
    "refunds": [],
    "_links": {"self": [{"href": "https://shop.example.com/wp-json/wc/v3/orders/727"}]},
}

_CUSTOMER: dict[str, Any] = {
    "id": 25,
    "date_created": "2026-03-21T12:09:28",
    "date_created_gmt": "2026-03-21T16:09:28",
    "date_modified": "2026-04-01T12:09:30",
    "date_modified_gmt": "2026-04-01T16:09:30",
    "email": "ann@example.com",
    "first_name": "Ann",
    "last_name": "Smith",
    "role": "customer",
    "username": "ann.smith",
    "billing": _BILLING,
    "shipping": {**_BILLING, "email": "", "phone": ""},
    "is_paying_customer": True,
    "meta_data": [],
}

_PRODUCT: dict[str, Any] = {
    "id": 93,
    "name": "Mug &amp; Spoon &ndash; <em>Blue</em>",
    "slug": "mug-spoon-blue",
    "permalink": "https://shop.example.com/product/mug-spoon-blue/",
    "date_created": "2026-03-01T04:00:00",
    "date_created_gmt": "2026-03-01T09:00:00",
    "date_modified": "2026-05-01T04:00:00",
    "date_modified_gmt": "2026-05-01T08:00:00",
    "type": "simple",
    "status": "publish",
    "catalog_visibility": "visible",
    "description": "<p>Holds half a litre.</p>",
    "sku": "MUG-3",
    "price": "9.00",
    "regular_price": "10.00",
    "sale_price": "9.00",
    "price_html": "<ins><span>$9.00</span></ins>",
    "parent_id": 0,
    "categories": [
        {"id": 9, "name": "Kitchen &amp; Table", "slug": "kitchen"},
        {"id": 14, "name": "Mugs", "slug": "mugs"},
    ],
    "brands": [{"id": 31, "name": "Acme &amp; Sons", "slug": "acme"}],
    "tags": [{"id": 40, "name": "gift", "slug": "gift"}],
    "attributes": [],
    "variations": [],
    "grouped_products": [],
    "stock_quantity": None,
    "meta_data": [],
}

UNPAID: dict[str, Any] = {"status": "pending", "date_paid": None, "date_paid_gmt": None}
"""What an order says before its money came."""

COMPLETED: dict[str, Any] = {
    "status": "completed",
    "date_completed": "2026-05-04T05:00:00",
    "date_completed_gmt": "2026-05-04T09:00:00",
    "date_modified_gmt": "2026-05-04T09:00:01",
}
"""What an order says once the shop is done with it."""

ERROR: dict[str, Any] = {
    "code": "woocommerce_rest_cannot_view",
    "message": "Sorry, you cannot view this resource.",
    "data": {"status": 403},
}
"""What is signed and sent when the hook's owner may no longer read orders."""


def order(**changes: Any) -> dict[str, Any]:
    """An order's body: 3 for 30.00 less 3.00 of a coupon, shipping 10.00, tax 2.78."""
    return {**copy.deepcopy(_ORDER), **changes}


def line(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_LINE), **changes}


def fee(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_FEE), **changes}


def refund(**changes: Any) -> dict[str, Any]:
    return {**_REFUND, **changes}


def billing(**changes: Any) -> dict[str, Any]:
    return {**_BILLING, **changes}


def customer(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_CUSTOMER), **changes}


def product(**changes: Any) -> dict[str, Any]:
    """The body of the product that `line` sells: 9.00, two categories, one brand."""
    return {**copy.deepcopy(_PRODUCT), **changes}


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """The body as it comes from a shop that leaves these out."""
    return {name: value for name, value in body.items() if name not in names}
