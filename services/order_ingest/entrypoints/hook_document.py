"""The hook path in OpenAPI, by hand: FastAPI cannot look into a mounted application."""

import json
from typing import Any, Final

from services.order_ingest.domain.canonical_events import EXAMPLE_EVENTS
from services.order_ingest.domain.platform_table import PLATFORMS

_SHOPIFY: Final = {
    "X-Shopify-Hmac-Sha256": "base64 HMAC-SHA256 of the raw body",
    "X-Shopify-Topic": "orders/create, orders/updated, orders/paid, orders/fulfilled, orders/cancelled, orders/delete, "
    "refunds/create, fulfillments/create, fulfillments/update, fulfillment_events/create, returns/request, "
    "returns/approve, returns/close, returns/decline, returns/cancel, products/create, products/update, "
    "customers/create, customers/update, customers/merge, customers/redact, customers/data_request, shop/redact, "
    "app/uninstalled, "
    "customers_email_marketing_consent/update, customers_marketing_consent/update; others are kept and ignored",
    "X-Shopify-Webhook-Id": "the same on retries",
    "X-Shopify-Shop-Domain": "must be the store's",
}
_SHOPLAZZA: Final = {
    "X-Shoplazza-Hmac-Sha256": "base64 HMAC-SHA256 of the raw body",
    "X-Shoplazza-Topic": "orders/create, orders/update, orders/paid, orders/fulfilled, orders/finished, "
    "orders/refunded, orders/cancelled, orders/delete, customers/create, customers/update, app/uninstalled; "
    "others are kept and ignored",
    "X-Shoplazza-Deduplication-ID": "the same on retries",
    "X-Shoplazza-Shop-Domain": "must be the store's",
}
_WOOCOMMERCE: Final = {
    "X-WC-Webhook-Signature": "base64 HMAC-SHA256 of the raw body with the webhook's own secret",
    "X-WC-Webhook-Topic": "order.created, order.updated, order.deleted, order.restored, customer.created, "
    "customer.updated; others are kept and ignored",
}
_STANDARD: Final = {
    "webhook-id": "the same on retries",
    "webhook-timestamp": "seconds since the epoch, at most 5 minutes from now",
    "webhook-signature": "space-separated v1,<base64 HMAC-SHA256 of id.timestamp.body>",
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
                        "examples": {
                            kind: {"summary": kind, "value": json.loads(json.dumps(body))}
                            for kind, body in EXAMPLE_EVENTS.items()
                        },
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
