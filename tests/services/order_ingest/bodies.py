"""Bodies as Shopify's documentation shapes them, written for these tests; signatures as a platform makes them."""

import base64
import copy
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

SECRET = "shpss_test_0123456789"
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DOMAIN = "acme.myshopify.com"

_LINE: dict[str, Any] = {
    "id": 466157049,
    "product_id": 632910392,
    "variant_title": "green",
    "title": "Mug",
    "vendor": "Acme",
    "quantity": 2,
    "price": "19.99",
    "total_discount": "0.00",
    "gift_card": False,
    "properties": [],
    "tax_lines": [{"price": "2.88", "rate": 0.08, "title": "State Tax"}],
    "discount_allocations": [{"amount": "4.00", "discount_application_index": 0}],
}

_ORDER: dict[str, Any] = {
    "id": 450789469,
    "admin_graphql_api_id": "gid://shopify/Order/450789469",
    "name": "#1001",
    "email": "bob.norman@example.com",
    "contact_email": "bob.norman@example.com",
    "phone": None,
    "currency": "USD",
    "presentment_currency": "USD",
    "test": False,
    "confirmed": True,
    "taxes_included": False,
    "financial_status": "paid",
    "source_name": "web",
    "order_status_url": "https://acme.myshopify.com/690933842/orders/b1946ac9/authenticate?key=abcd",
    "created_at": "2026-05-02T06:15:00-04:00",
    "processed_at": "2026-05-02T06:15:00-04:00",
    "updated_at": "2026-05-02T06:15:05-04:00",
    "cancelled_at": None,
    "cancel_reason": None,
    "total_price": "43.86",
    "total_tax": "2.88",
    "total_discounts": "5.00",
    "total_tip_received": "0.00",
    "discount_codes": [{"code": "SPRING", "amount": "5.00", "type": "fixed_amount"}],
    "customer": {"id": 207119551, "email": "bob.norman@example.com", "first_name": "Bob", "last_name": "Norman"},
    "billing_address": {"first_name": "Bob", "last_name": "Norman", "country_code": "US", "phone": "555-625-1199"},
    "shipping_address": None,
    "line_items": [_LINE],
    "shipping_lines": [{"price": "6.00", "discount_allocations": [{"amount": "1.00"}]}],
    "refunds": [],
}

_REFUND: dict[str, Any] = {
    "id": 509562969,
    "order_id": 450789469,
    "created_at": "2026-05-09T08:00:00-04:00",
    "processed_at": "2026-05-09T08:00:00-04:00",
    "note": "it broke",
    "refund_line_items": [
        # Numbers, not strings: so they come.
        {"id": 1, "line_item_id": 466157049, "quantity": 1, "subtotal": 17.99, "total_tax": 1.44}
    ],
    "transactions": [
        {"id": 7, "kind": "refund", "status": "success", "amount": "19.43", "currency": "USD"},
        {"id": 8, "kind": "refund", "status": "failure", "amount": "19.43", "currency": "USD"},
    ],
    "order_adjustments": [],
}


_FULFILMENT: dict[str, Any] = {
    "id": 255858046,
    "order_id": 450789469,
    "status": "success",
    "created_at": "2026-05-03T09:00:00-04:00",
    "updated_at": "2026-05-03T09:00:00-04:00",
    "tracking_company": "UPS",
    "shipment_status": None,
    "location_id": 655441491,
    "name": "#1001.1",
    "line_items": [{**_LINE, "quantity": 2}],
}

_FULFILMENT_EVENT: dict[str, Any] = {
    "id": 944956395,
    "fulfillment_id": 255858046,
    "order_id": 450789469,
    "status": "delivered",
    "message": "Left at the door",
    "happened_at": "2026-05-05T10:20:00-04:00",
    "created_at": "2026-05-05T10:25:00-04:00",
    "updated_at": "2026-05-05T10:25:00-04:00",
}

_RETURN: dict[str, Any] = {
    "id": 945000954,
    "admin_graphql_api_id": "gid://shopify/Return/945000954",
    "status": "requested",
    "name": "#1001-R1",
    "order": {"id": 450789469, "admin_graphql_api_id": "gid://shopify/Order/450789469"},
    "total_return_line_items": 1,
    "return_line_items": [
        {
            "id": 677614678,
            "quantity": 1,
            "return_reason": "defective",
            "return_reason_note": "",
            "customer_note": "the handle broke",
            "fulfillment_line_item": {"id": 1071823172, "line_item": {"id": 466157049}},
        }
    ],
}


def order(**changes: Any) -> dict[str, Any]:
    """An order's body: 2 x 19.99 less 4.00, shipping 6.00 less 1.00, tax 2.88."""
    return {**copy.deepcopy(_ORDER), **changes}


def line(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_LINE), **changes}


def refund(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_REFUND), **changes}


def fulfilment(**changes: Any) -> dict[str, Any]:
    """Both mugs in one parcel. Source: shopify.dev, "Webhooks", topic fulfillments/create."""
    return {**copy.deepcopy(_FULFILMENT), **changes}


def fulfilment_event(**changes: Any) -> dict[str, Any]:
    """Its delivery, as the carrier reports it. Source: shopify.dev, topic fulfillment_events/create."""
    return {**copy.deepcopy(_FULFILMENT_EVENT), **changes}


def returned(**changes: Any) -> dict[str, Any]:
    """One mug is to come back. Source: shopify.dev, topic returns/request."""
    return {**copy.deepcopy(_RETURN), **changes}


def customer_merge(**changes: Any) -> dict[str, Any]:
    """Customer 2 was merged into customer 1. Source: shopify.dev, "Webhooks", topic customers/merge."""
    return {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
        "admin_graphql_api_job_id": None,
        "status": "completed",
        "errors": [],
        **changes,
    }


def redaction(**changes: Any) -> dict[str, Any]:
    """The customer of the order above is to be forgotten. Source: shopify.dev, "Privacy law compliance"."""
    return {
        "shop_id": 690933842,
        "shop_domain": DOMAIN,
        "customer": {"id": 207119551, "email": "bob.norman@example.com", "phone": "+12125550123"},
        "orders_to_redact": [450789469],
        **changes,
    }


def data_request(**changes: Any) -> dict[str, Any]:
    """The same customer wants to see what is kept. Source: shopify.dev, "Privacy law compliance"."""
    kept = {name: value for name, value in redaction().items() if name != "orders_to_redact"}
    return {**kept, "orders_requested": [450789469], "data_request": {"id": 9999}, **changes}


def shop_redaction(**changes: Any) -> dict[str, Any]:
    """The whole shop is to be forgotten. Source: shopify.dev, "Privacy law compliance"."""
    return {"shop_id": 690933842, "shop_domain": DOMAIN, **changes}


def uninstalled(**changes: Any) -> dict[str, Any]:
    """The app was removed from the shop. Source: shopify.dev, "Webhooks", topic app/uninstalled."""
    return {
        "id": 690933842,
        "name": "Acme",
        "email": "owner@example.com",
        "domain": "acme.example",
        "myshopify_domain": DOMAIN,
        "currency": "USD",
        **changes,
    }


def encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def shopify_signature(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def shopify_headers(
    body: bytes, *, topic: str, webhook_id: str, secret: str = SECRET, **changes: str
) -> dict[str, str]:
    """The headers of a genuine delivery."""
    return {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": shopify_signature(body, secret),
        "x-shopify-shop-domain": DOMAIN,
        "x-shopify-webhook-id": webhook_id,
        "x-shopify-triggered-at": "2026-05-02T10:15:06.123Z",
        "content-type": "application/json",
        **changes,
    }


def standard_headers(body: bytes, *, message_id: str, timestamp: int, secret: str = WHSEC) -> dict[str, str]:
    """The headers of a genuine delivery. Source: Standard Webhooks 1.0.0."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{digest}"}
