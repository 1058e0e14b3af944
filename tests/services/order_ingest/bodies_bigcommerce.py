"""Bodies as BigCommerce's documentation shapes them, written for these tests.

Source: developer.bigcommerce.com, "Orders V2" (an order, its products, shipments, coupons and fees), "Orders V3"
(refunds of an order), "Webhook Events", "Channel Webhooks".
"""

import copy
from typing import Any

STORE_HASH = "k3x9qd"

_BILLING: dict[str, Any] = {
    "first_name": "Ann",
    "last_name": "Smith",
    "company": "",
    "street_1": "969 Market",
    "street_2": "",
    "city": "San Francisco",
    "state": "California",
    "zip": "94103",
    "country": "United States",
    "country_iso2": "US",
    "phone": "(415) 555-0123",
    "email": "ann@example.com",
    "form_fields": [],
}

_ORDER: dict[str, Any] = {
    "id": 727,
    "customer_id": 25,
    "date_created": "Sat, 02 May 2026 10:15:00 +0000",
    "is_tax_inclusive_pricing": False,
    "date_modified": "Sat, 02 May 2026 10:15:08 +0000",
    "date_shipped": "",
    "status_id": 11,
    "status": "Awaiting Fulfillment",
    "custom_status": "To be packed",
    "subtotal_ex_tax": "30.0000",
    "subtotal_inc_tax": "32.2500",
    "subtotal_tax": "2.0300",
    "base_shipping_cost": "10.0000",
    "shipping_cost_ex_tax": "10.0000",
    "shipping_cost_inc_tax": "10.7500",
    "shipping_cost_tax": "0.7500",
    "shipping_cost_tax_class_id": 2,
    "base_handling_cost": "0.0000",
    "handling_cost_ex_tax": "0.0000",
    "handling_cost_inc_tax": "0.0000",
    "handling_cost_tax": "0.0000",
    "base_wrapping_cost": "0.0000",
    "wrapping_cost_ex_tax": "0.0000",
    "wrapping_cost_inc_tax": "0.0000",
    "wrapping_cost_tax": "0.0000",
    "total_ex_tax": "37.0000",
    "total_inc_tax": "39.7800",
    "total_tax": "2.7800",
    "items_total": 3,
    "items_shipped": 0,
    "payment_method": "Credit Card",
    "payment_provider_id": "",
    "payment_status": "captured",
    "refunded_amount": "0.0000",
    "order_is_digital": False,
    "store_credit_amount": "0.0000",
    "gift_certificate_amount": "0.0000",
    "ip_address": "203.0.113.7",
    "ip_address_v6": "",
    "geoip_country": "United States",
    "geoip_country_iso2": "US",
    "currency_id": 1,
    "currency_code": "USD",
    "currency_exchange_rate": "1.0000000000",
    "default_currency_id": 1,
    "default_currency_code": "USD",
    "staff_notes": "",
    "customer_message": "",
    "discount_amount": "0.0000",
    "coupon_discount": "3.0000",
    "shipping_address_count": 1,
    "is_deleted": False,
    "ebay_order_id": "0",
    "cart_id": "a8458391-ef68-4fe5-9ec1-442e6a767364",
    "billing_address": _BILLING,
    "fees": [],
    "is_email_opt_in": True,
    "credit_card_type": None,
    "order_source": "www",
    "channel_id": 1,
    "external_source": None,
    "external_id": None,
    "external_merchant_id": None,
    "tax_provider_id": "BasicTaxProvider",
    "customer_locale": "en-US",
    "external_order_id": "",
    "store_default_currency_code": "USD",
    "store_default_to_transactional_exchange_rate": "1.0000000000",
}

_PRODUCT: dict[str, Any] = {
    "id": 315,
    "order_id": 727,
    "product_id": 93,
    "variant_id": 477,
    "order_address_id": 51,
    "name": "Mug & Spoon",
    "name_customer": "Mug & Spoon",
    "name_merchant": "MUG-3 (new)",
    "sku": "MUG-3",
    "upc": "",
    "type": "physical",
    "base_price": "10.0000",
    "price_ex_tax": "10.0000",
    "price_inc_tax": "10.7500",
    "price_tax": "0.7500",
    "base_total": "30.0000",
    "total_ex_tax": "30.0000",
    "total_inc_tax": "32.2500",
    "total_tax": "2.0300",
    "quantity": 3,
    "is_refunded": False,
    "quantity_refunded": 0,
    "refund_amount": "0.0000",
    "return_id": 0,
    "quantity_shipped": 0,
    "parent_order_product_id": None,
    "is_bundled_product": False,
    "external_id": None,
    "brand": "Acme",
    "applied_discounts": [
        {"id": "total-coupon", "amount": "3.0000", "name": "Spring", "code": "SPRING", "target": "order"}
    ],
    "product_options": [
        {
            "id": 45,
            "display_name": "Engraving",
            "display_value": "For Ann",
            "value": "For Ann",
            "type": "Text field",
        }
    ],
    "configurable_fields": [],
    "gift_certificate_id": None,
    "discounted_total_inc_tax": "29.0300",
}

_REFUND: dict[str, Any] = {
    "id": 801,
    "order_id": 727,
    "user_id": 9,
    "created": "2026-05-09T07:59:58+00:00",
    "reason": "one was broken",
    "total_amount": 9.68,
    "total_tax": 0.68,
    "uses_merchant_override_values": False,
    "payments": [
        {"id": 13, "provider_id": "braintree", "amount": 9.68, "offline": False, "is_declined": False}
    ],
    "items": [{"item_type": "PRODUCT", "item_id": 315, "quantity": 1, "requested_amount": None, "reason": ""}],
}  # fmt: skip

_SHIPMENT: dict[str, Any] = {
    "id": 6,
    "order_id": 727,
    "customer_id": 25,
    "order_address_id": 51,
    "date_created": "Mon, 04 May 2026 09:00:00 +0000",
    "tracking_number": "EJ958083578US",
    "merchant_shipping_cost": "0.0000",
    "shipping_method": "None",
    "comments": "",
    "shipping_provider": "usps",
    "tracking_carrier": "",
    "tracking_link": "",
    "billing_address": _BILLING,
    "shipping_address": _BILLING,
    "items": [{"order_product_id": 315, "product_id": 93, "quantity": 3}],
}

_COUPON: dict[str, Any] = {
    "id": 3,
    "coupon_id": 1,
    "order_id": 727,
    "code": "SPRING",
    "amount": 3,
    "type": 2,
    "discount": 3,
}

_FEE: dict[str, Any] = {
    "id": 1,
    "type": "custom_fee",
    "display_name_customer": "Package protection",
    "display_name_merchant": "PP-1",
    "source": "AA",
    "base_cost": "2.0000",
    "cost_exc_tax": "2.0000",
    "cost_inc_tax": "2.1500",
    "cost_tax": "0.1500",
    "tax_class_id": 22,
}

TAX_IN_PRICES: dict[str, Any] = {
    "order": {
        "is_tax_inclusive_pricing": True,
        "subtotal_ex_tax": "200.0000",
        "subtotal_inc_tax": "240.0000",
        "subtotal_tax": "36.0000",
        "shipping_cost_ex_tax": "5.0000",
        "shipping_cost_inc_tax": "6.0000",
        "shipping_cost_tax": "1.0000",
        "total_ex_tax": "185.0000",
        "total_inc_tax": "222.0000",
        "total_tax": "37.0000",
        "discount_amount": "24.0000",
        "coupon_discount": "0.0000",
    },
    "product": {
        "quantity": 2,
        "base_price": "120.0000",
        "price_ex_tax": "100.0000",
        "price_inc_tax": "120.0000",
        "total_ex_tax": "200.0000",
        "total_inc_tax": "240.0000",
        "total_tax": "36.0000",
        "applied_discounts": [
            {"id": "manual-discount", "amount": "24.0000", "name": "Manual Discount", "code": None, "target": "order"}
        ],
        "discounted_total_inc_tax": "216.0000",
    },
}
"""Two for 120.00 each with 20 % tax inside, less 24.00: that is with its tax, `total_ex_tax` without and before it."""

UNPAID: dict[str, Any] = {"status_id": 7, "status": "Awaiting Payment", "payment_status": ""}
"""What an order says before its money came."""


def order(**changes: Any) -> dict[str, Any]:
    """An order's body: 3 for 30.00 less 3.00 of a coupon, shipping 10.00, tax 2.78."""
    return {**copy.deepcopy(_ORDER), **changes}


def product(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_PRODUCT), **changes}


def refund(**changes: Any) -> dict[str, Any]:
    """A refund of one piece: 9.00 and its tax."""
    return {**copy.deepcopy(_REFUND), **changes}


def item(kind: str, item_id: int, **changes: Any) -> dict[str, Any]:
    """One of a refund's items."""
    return {"item_type": kind, "item_id": item_id, "requested_amount": None, "reason": "", **changes}


def shipment(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_SHIPMENT), **changes}


def coupon(**changes: Any) -> dict[str, Any]:
    return {**_COUPON, **changes}


def fee(**changes: Any) -> dict[str, Any]:
    return {**_FEE, **changes}


def billing(**changes: Any) -> dict[str, Any]:
    return {**_BILLING, **changes}


def document(parts: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A fetched order with its parts; `changes` are the order's own fields."""
    return {"order": order(**changes), "products": [product()], "coupons": [coupon()], **(parts or {})}


def hook(scope: str = "store/order/updated", **changes: Any) -> dict[str, Any]:
    """A hook's body."""
    return {
        "scope": scope,
        "store_id": "1025646",
        "data": {"type": "order", "id": 727},
        "hash": "dd70c0976e06b67aaf671e73f49dcb79230ebf9d",
        "created_at": 1777716908,
        "producer": f"stores/{STORE_HASH}",
        **changes,
    }
