"""The platforms: one row each says how its hooks are signed, named and read. A new platform is a module and a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.order_ingest.domain.changes import Change
from services.order_ingest.domain.errors import UnknownPlatform
from services.order_ingest.domain.platforms import canonical, shopify
from services.order_ingest.domain.reading import Object
from services.order_ingest.domain.signatures import Verify, body_hmac, raw_key, standard_webhooks, whsec_key
from services.order_ingest.domain.storefront import Arrival, Storefront


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How one platform's deliveries are proved, told apart, and understood. Header names are lower case."""

    name: str
    verify: Verify
    key: Callable[[str], bytes]
    signed_by: bytes
    delivery_id: bytes
    topic: bytes | None
    triggered_at: bytes | None
    shop_domain: bytes | None
    parse: Callable[[Object, Arrival, Storefront], Change]

    @property
    def headers(self) -> frozenset[bytes]:
        """All headers that any of this looks at."""
        named = (self.signed_by, self.delivery_id, self.topic, self.triggered_at, self.shop_domain)
        return frozenset(name for name in named if name) | {b"webhook-timestamp"}


PLATFORMS: Final[Mapping[str, Platform]] = {
    "shopify": Platform(
        name="shopify",
        verify=body_hmac(b"x-shopify-hmac-sha256"),
        key=raw_key,
        signed_by=b"x-shopify-hmac-sha256",
        # Not x-shopify-event-id: all topics of one action share it, and orders/paid would be dropped.
        delivery_id=b"x-shopify-webhook-id",
        topic=b"x-shopify-topic",
        triggered_at=b"x-shopify-triggered-at",
        shop_domain=b"x-shopify-shop-domain",
        parse=shopify.parse,
    ),
    "standard": Platform(
        name="standard",
        verify=standard_webhooks,
        key=whsec_key,
        signed_by=b"webhook-signature",
        delivery_id=b"webhook-id",
        topic=None,
        triggered_at=None,
        shop_domain=None,
        parse=canonical.parse,
    ),
}


def platform(name: str) -> Platform:
    """The row of the platform.

    Raises:
        UnknownPlatform: there is none.
    """
    try:
        return PLATFORMS[name]
    except KeyError:
        raise UnknownPlatform(name[:64]) from None
