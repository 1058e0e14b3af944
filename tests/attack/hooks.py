"""How each platform's deliveries are signed when they are genuine, and bodies of each to start from."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.order_ingest.domain.canonical_events import EXAMPLE_EVENTS
from tests.services.order_ingest import (
    bodies,
    bodies_amazon,
    bodies_bigcommerce,
    bodies_magento,
    bodies_shoplazza,
    bodies_taobao,
    bodies_woocommerce,
)

Headers = Mapping[str, str]
Sign = Callable[[bytes, str, str, int], Headers]
"""Headers of a genuine delivery: of a body, by a secret, under an id, at a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A platform's store, and what it sends: samples by topic (empty: the topic stands in the body)."""

    platform: str
    store: Mapping[str, Any]
    secret: str
    other_secret: str
    sign: Sign
    signature: str
    samples: Sequence[tuple[str, Mapping[str, Any]]]
    is_stamped: bool = False
    """The time is signed too."""
    pulled: Sequence[Mapping[str, Any]] = field(default=())
    """Documents as they come from the platform's API."""


def _digest(signed: bytes, key: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _shopify(body: bytes, secret: str, message_id: str, at: int) -> Headers:
    return bodies.shopify_headers(body, topic="orders/updated", webhook_id=message_id, secret=secret)


def _shoplazza(body: bytes, secret: str, message_id: str, at: int) -> Headers:
    return {
        "x-shoplazza-topic": "orders/update",
        "x-shoplazza-hmac-sha256": _digest(body, secret.encode()),
        "x-shoplazza-deduplication-id": message_id,
        "x-shoplazza-shop-domain": "acme.myshoplaza.com",
    }


def _woocommerce(body: bytes, secret: str, message_id: str, at: int) -> Headers:
    return {
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-signature": _digest(body, secret.encode()),
        "x-wc-webhook-delivery-id": message_id,
    }


def _whsec(body: bytes, secret: str, message_id: str, at: int) -> Headers:
    return bodies.standard_headers(body, message_id=message_id, timestamp=at, secret=secret)


def _raw_standard(body: bytes, secret: str, message_id: str, at: int) -> Headers:
    signed = _digest(f"{message_id}.{at}.".encode() + body, secret.encode())
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signed}"}


_OTHER_WHSEC: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()
_STAMPED: Final[dict[str, Any]] = {
    "secret": bodies.WHSEC,
    "other_secret": _OTHER_WHSEC,
    "sign": _whsec,
    "signature": "webhook-signature",
    "is_stamped": True,
}

SENDERS: Final = (
    Sender(
        platform="shopify",
        store={"account": "690933842", "domain": bodies.DOMAIN},
        secret="shpss_first_0123456789",
        other_secret="shpss_other_0123456789",
        sign=_shopify,
        signature="x-shopify-hmac-sha256",
        samples=[
            ("orders/updated", bodies.order()),
            ("refunds/create", bodies.refund()),
            ("orders/delete", {"id": 450789469}),
            ("fulfillments/create", bodies.fulfilment()),
            ("fulfillment_events/create", bodies.fulfilment_event()),
            ("returns/request", bodies.returned()),
            ("customers/merge", bodies.customer_merge()),
            ("customers/redact", bodies.redaction()),
            ("customers/data_request", bodies.data_request()),
            ("shop/redact", bodies.shop_redaction()),
            ("app/uninstalled", bodies.uninstalled()),
        ],
        pulled=[bodies.order()],
    ),
    Sender(
        platform="shoplazza",
        store={"account": "acme", "domain": "acme.myshoplaza.com"},
        secret="shoplazza-first-secret",
        other_secret="shoplazza-other-secret",
        sign=_shoplazza,
        signature="x-shoplazza-hmac-sha256",
        samples=[
            ("orders/update", bodies_shoplazza.order()),
            ("orders/update", bodies_shoplazza.wrapped()),
            ("orders/delete", bodies_shoplazza.deleted()),
            ("customers/update", bodies_shoplazza.customer()),
            ("products/update", bodies_shoplazza.product()),
            ("app/uninstalled", {"id": 690933842}),
        ],
        pulled=[bodies_shoplazza.order()],
    ),
    Sender(
        platform="woocommerce",
        store={"account": "acme"},
        secret="k-of-the-first-hook-0123",
        other_secret="k-of-another-hook-0123",
        sign=_woocommerce,
        signature="x-wc-webhook-signature",
        samples=[
            ("order.updated", bodies_woocommerce.order()),
            ("order.deleted", {"id": 727}),
            ("customer.updated", bodies_woocommerce.customer()),
            ("product.updated", bodies_woocommerce.product()),
        ],
        pulled=[bodies_woocommerce.order()],
    ),
    Sender(
        platform="bigcommerce",
        store={"account": bodies_bigcommerce.STORE_HASH},
        secret="client-secret-0123456789",
        other_secret="other-secret-0123456789",
        sign=_raw_standard,
        signature="webhook-signature",
        is_stamped=True,
        samples=[
            ("", bodies_bigcommerce.hook()),
            ("", bodies_bigcommerce.hook("store/app/uninstalled", data={"type": "store"})),
        ],
        pulled=[bodies_bigcommerce.document({"refunds": [bodies_bigcommerce.refund()]}, status_id=14)],
    ),
    Sender(
        platform="amazon",
        store={"account": bodies_amazon.SELLER, "site": "US"},
        samples=[
            ("", bodies_amazon.notification()),
            ("", bodies_amazon.wrapped(bodies_amazon.notification())),
        ],
        pulled=[bodies_amazon.order(packages=[bodies_amazon.package()])],
        **_STAMPED,
    ),
    Sender(
        platform="taobao",
        store={"account": bodies_taobao.SELLER, "currency": "CNY"},
        samples=[("", bodies_taobao.message())],
        pulled=[bodies_taobao.pulled(bodies_taobao.finished(), bodies_taobao.refund())],
        **_STAMPED,
    ),
    Sender(
        platform="standard",
        store={"account": "own"},
        samples=[("", told) for told in EXAMPLE_EVENTS.values()],
        **_STAMPED,
    ),
)
ASKED_ONLY: Final = {"magento": [bodies_magento.document(creditmemos=[bodies_magento.memo()])]}
"""Documents of platforms that never call."""
