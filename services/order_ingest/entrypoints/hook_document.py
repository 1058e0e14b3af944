"""The hook path in OpenAPI, by hand: FastAPI cannot look into a mounted application."""

import json
from typing import Any, Final

from services.order_ingest.domain.canonical_events import EXAMPLE_EVENTS
from services.order_ingest.domain.platform_table import PLATFORMS
from services.order_ingest.entrypoints.platform_examples import EXAMPLE_HOOKS

_SHOPIFY: Final = {
    "X-Shopify-Hmac-Sha256": "base64 HMAC-SHA256 of the raw body",
    "X-Shopify-Topic": "orders/create, orders/updated, orders/paid, orders/partially_fulfilled, orders/fulfilled, "
    "orders/cancelled, orders/delete, "
    "refunds/create, fulfillments/create, fulfillments/update, fulfillment_events/create, returns/request, "
    "returns/approve, returns/close, returns/decline, returns/cancel, products/create, products/update, "
    "customers/create, customers/update, customers/enable, customers/disable, customer.tags_added, "
    "customer.tags_removed, customers/merge, customers/redact, customers/data_request, shop/redact, "
    "app/uninstalled, "
    "customers_email_marketing_consent/update, customers_marketing_consent/update; others are kept and ignored",
    "X-Shopify-Webhook-Id": "the same on retries",
    "X-Shopify-Shop-Domain": "must be the store's",
}
_SHOPLAZZA: Final = {
    "X-Shoplazza-Hmac-Sha256": "base64 HMAC-SHA256 of the raw body",
    "X-Shoplazza-Topic": "orders/create, orders/update, orders/paid, orders/partially_fulfilled, orders/fulfilled, "
    "orders/finished, orders/partially_refunded, orders/refunded, orders/cancelled, orders/delete, customers/create, "
    "customers/update, products/create, products/update, products/delete, app/uninstalled; others are kept and ignored",
    "X-Shoplazza-Deduplication-ID": "the same on retries",
    "X-Shoplazza-Shop-Domain": "must be the store's",
}
_WOOCOMMERCE: Final = {
    "X-WC-Webhook-Signature": "base64 HMAC-SHA256 of the raw body with the webhook's own secret",
    "X-WC-Webhook-Topic": "order.created, order.updated, order.deleted, order.restored, customer.created, "
    "customer.updated, product.created, product.updated, product.restored, product.deleted; others are kept and "
    "ignored",
}
# What BigCommerce sends is signed so too, with the secret as it stands for a key, and what bridges post for Amazon
# and Taobao.
_STANDARD: Final = {
    "webhook-id": "the same on retries",
    "webhook-timestamp": "seconds since the epoch, at most 5 minutes from now",
    "webhook-signature": "space-separated v1,<base64 HMAC-SHA256 of id.timestamp.body>",
}


def _own() -> dict[str, Any]:
    return {
        kind: {"summary": f"standard: {kind}", "value": json.loads(json.dumps(body))}
        for kind, body in EXAMPLE_EVENTS.items()
    }


def _of_platforms() -> dict[str, Any]:
    return {
        platform: {"summary": f"{platform}: {topic or 'the topic stands in the body'}", "value": body}
        for platform, (topic, body) in EXAMPLE_HOOKS.items()
    }


OPENAPI: Final[dict[str, Any]] = {
    "/v1/hooks/{platform}/{endpoint_token}": {
        "post": {
            "tags": ["hooks"],
            "summary": "Deliver a webhook",
            "description": "Proved by its signature over the raw bytes, no token. 200 with an empty body means that "
            "the delivery is stored; one that was stored before is answered 200 again. What a signed body says is "
            "never a reason for a refusal: it is read afterwards, and parked where it cannot be read.",
            "operationId": "deliver_webhook",
            "parameters": [
                {
                    "name": "platform",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "enum": sorted(PLATFORMS)},
                },
                {"name": "endpoint_token", "in": "path", "required": True, "schema": {"type": "string"}},
                *(
                    {"name": name, "in": "header", "required": False, "description": told, "schema": {"type": "string"}}
                    for headers in (_SHOPIFY, _SHOPLAZZA, _WOOCOMMERCE, _STANDARD)
                    for name, told in headers.items()
                ),
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"type": "object"},
                        "examples": {**_own(), **_of_platforms()},
                    }
                },
            },
            "responses": {
                "200": {"description": "Stored, now or before"},
                "401": {"description": "The signature proves nothing"},
                "404": {"description": "No such hook"},
                "408": {"description": "The body took longer than 5 seconds"},
                "413": {"description": "More than 1 MiB"},
                "415": {"description": "Content-Encoding is not accepted"},
                "429": {"description": "Too many; come back after Retry-After"},
                "503": {"description": "Not stored; send again after Retry-After"},
            },
        }
    }
}
