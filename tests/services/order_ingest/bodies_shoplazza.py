"""Bodies as Shoplazza's (店匠) documentation shapes them, written for these tests: no shop's, no person's.

Source: shoplazza.dev, reference/webhook-properties, reference/supported-webhook-events (the wrapper, customers/*),
reference/order-5 ("Order Properties"), reference/fulfillment-1 ("Fulfillment properties"),
reference/product-properties, reference/product-details, docs/discount_application;
the OpenAPI of 2022-01. The published sample orders do not add up; these do.
"""

import copy
from typing import Any

ORDER_ID = "11218-00000001"
MUG = "db4469f3-5e56-4c69-a2b6-03e81d24d5b5"
TEA = "3224873d-71b4-4762-b25e-10a895deff42"
PARCEL = "92db3f11-39ca-4253-8b26-6e2408e5ea21"

_MUG: dict[str, Any] = {
    "id": MUG,
    "product_id": "0510dace-34da-4555-a896-495e0cb1ed6e",
    "variant_id": "e9a785a4-739b-45e6-93bb-d056d706c295",
    "variant_title": "green",
    "product_title": "Mug",
    "product_handle": "mug",
    "quantity": 2,
    "note": "",
    "fulfillment_status": "waiting",
    "sku": "M-1",
    "vendor": "Acme",
    "product_url": "/products/mug",
    "price": "19.99",
    "compare_at_price": "25.00",
    "total": "39.98",
    "weight": "0.40",
    "weight_unit": "kg",
    "image": "//cdn.example.com/mug.jpg",
    "properties": [{"name": "color", "value": "green"}],
    "custom_properties": None,
    "discount_applications": "[]",
    "refund_quantity": 0,
    "refund_total": "0.00",
}

_TEA: dict[str, Any] = {
    **_MUG,
    "id": TEA,
    "product_id": "a1a88be0-a1d4-47e4-a2f2-ba6e131cf447",
    "variant_title": "",
    "product_title": "Tea",
    "quantity": 1,
    "price": "12.34",
    "total": "12.34",
}

_ADDRESS: dict[str, Any] = {
    "first_name": "Bob",
    "last_name": "Norman",
    "name": "Bob Norman",
    "address1": "Chestnut Street 92",
    "city": "Louisville",
    "zip": "40202",
    "province_code": "US-KY",
    "country": "United States",
    "country_code": "US",
    "phone": "555-625-1199",
    "phone_area_code": "1",
    "email": "bob.norman@example.com",
    "extra_info": {"cpf": "123"},
}

_ORDER: dict[str, Any] = {
    "id": ORDER_ID,
    "number": "00000001",
    "note": "",
    "status": "placed",
    "financial_status": "paid",
    "fulfillment_status": "waiting",
    "payment_method": "online",
    "cancel_reason": None,
    "canceled_at": None,
    "currency": "USD",
    "sub_total": "52.32",
    "total_discount": "5.00",
    "code_discount_total": "5.00",
    "line_item_discount_total": "5.00",
    "total_shipping": "6.00",
    "total_tax": "2.88",
    "total_tip_received": "0.00",
    "total_price": "56.20",
    "total_paid": "56.20",
    "real_total_paid": "56.20",
    "total_refund_price": "0.00",
    "total_refund_tax": "0.00",
    "refund_status": "none",
    "discount_code": "SPRING",
    "discount_applications": "[]",
    "buyer_accepts_marketing": False,
    "tags": "a, b",
    "customer_note": "",
    "landing_site": "https://acme.example.com?source=abc",
    "browser_ip": "192.0.2.1",
    "created_at": "2026-05-02T10:14:00Z",
    "placed_at": "2026-05-02T10:15:00Z",
    "updated_at": "2026-05-02T10:15:05Z",
    "closed_at": None,
    "deleted_at": None,
    "customer_deleted_at": None,
    "shipping_line": {"name": "standard"},
    "payment_line": {"payment_channel": "paypal", "payment_method": "online", "transaction_no": "52Y26167A2351800A"},
    "customer": {
        "id": "ef0318fe-e0ed-4551-a5bc-8b8e36c4f90f",
        "email": "bob.norman@example.com",
        "first_name": "Bob",
        "last_name": "Norman",
        "phone": "",
        "created_at": "2025-11-02T12:30:10Z",
        "updated_at": "2026-05-02T10:15:00Z",
        "order_count": 1,
        "total_spent": "56.20",
    },
    "shipping_address": _ADDRESS,
    "billing_address": {**_ADDRESS, "email": "payer@example.com"},
    "line_items": [_MUG, _TEA],
    "fulfillments": [],
}

_PARCEL: dict[str, Any] = {
    "id": PARCEL,
    "order_id": ORDER_ID,
    "status": "shipped",
    "tracking_company": "L-POST",
    "tracking_number": "1111111111",
    "tracking_company_code": "DJ-10002",
    "created_at": "2026-05-03T05:00:00-04:00",
    "updated_at": "2026-05-03T05:00:00-04:00",
    # Its lines have other types than the order's: numbers, and an amount with its currency.
    "line_items": [{"id": MUG, "quantity": 2, "price": 19.99, "total": "39.98 USD", "weight": 0.4}],
}

_CUSTOMER: dict[str, Any] = {
    "id": "ef0318fe-e0ed-4551-a5bc-8b8e36c4f90f",
    "first_name": "Bob",
    "last_name": "Norman",
    "name": "Bob Norman",
    "email": "bob.norman@example.com",
    "phone": "+15025551199",
    "accepts_marketing": True,
    "accepts_sms_marketing": False,
    "subscribed_flag": 6,
    "sms_subscribed_flag": 5,
    "orders_count": 10,
    "total_spent": "100.10",
    "tags": "a, b",
    "created_at": "2025-11-02T12:30:10Z",
    "updated_at": "2026-05-04T08:00:00Z",
    "default_address": {**_ADDRESS, "customer_id": "ef0318fe-e0ed-4551-a5bc-8b8e36c4f90f", "default": True},
}

_PRODUCT: dict[str, Any] = {
    "id": "0510dace-34da-4555-a896-495e0cb1ed6e",
    "title": "Mug, hand-made",
    "brief": "",
    "description": "<p>Holds half a litre.</p>",
    "vendor": "Acme",
    "vendor_url": "",
    "tags": "gift,kitchen",
    "published": True,
    "has_only_default_variant": False,
    "requires_shipping": True,
    "taxable": True,
    "inventory_tracking": True,
    "inventory_policy": "deny",
    "inventory_quantity": 100,
    "handle": "mug",
    "created_at": "2026-03-01T09:00:00Z",
    "updated_at": "2026-05-01T04:00:00-04:00",
    "options": [{"name": "color", "values": ["green", "blue"]}],
    "variants": [
        {"id": "e9a785a4-739b-45e6-93bb-d056d706c295", "title": "green", "price": "24.99", "compare_at_price": "30.00"},
        {"id": "b1c6f0f5-7f1c-4a1e-8f0d-3f3f2a1f7b11", "title": "blue", "price": "19.99", "compare_at_price": "0.00"},
    ],
}


def order(**changes: Any) -> dict[str, Any]:
    """An order's bare body: 2 x 19.99 and 12.34, less 5.00, shipping 6.00, tax 2.88."""
    return {**copy.deepcopy(_ORDER), **changes}


def wrapped(**changes: Any) -> dict[str, Any]:
    """The same as it is delivered."""
    return {"order": order(**changes)}


def deleted(**changes: Any) -> dict[str, Any]:
    """What is left of the order under orders/delete."""
    return {"order": {"id": ORDER_ID, **changes}}


def mug(**changes: Any) -> dict[str, Any]:
    """The order's first line: 2 x 19.99."""
    return {**copy.deepcopy(_MUG), **changes}


def tea(**changes: Any) -> dict[str, Any]:
    """The order's second line: 12.34."""
    return {**copy.deepcopy(_TEA), **changes}


def parcel(**changes: Any) -> dict[str, Any]:
    """Both mugs, shipped."""
    return {**copy.deepcopy(_PARCEL), **changes}


def customer(**changes: Any) -> dict[str, Any]:
    """A customer's body as it is delivered."""
    return {"customer": {**copy.deepcopy(_CUSTOMER), **changes}}


def product(**changes: Any) -> dict[str, Any]:
    """The body, as it is delivered, of the product that `mug` sells: 19.99 and up."""
    return {"product": {**copy.deepcopy(_PRODUCT), **changes}}
