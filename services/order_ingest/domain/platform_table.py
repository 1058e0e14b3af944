"""The platforms: one row each says how its hooks are signed, named and read. A new platform is a module and a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.order_ingest.domain.access import AccessForm, amazon_origin, own_domain
from services.order_ingest.domain.changes import Change
from services.order_ingest.domain.errors import UnknownPlatform
from services.order_ingest.domain.platforms import (
    amazon,
    bigcommerce,
    canonical,
    magento,
    shopify,
    shoplazza,
    taobao,
    woocommerce,
)
from services.order_ingest.domain.reading import Object
from services.order_ingest.domain.signatures import (
    Headers,
    Verify,
    body_hmac,
    no_hooks,
    raw_key,
    standard_webhooks,
    unescaped_key,
    whsec_key,
)
from services.order_ingest.domain.storefront import Arrival, Storefront


def _no_ping(body: bytes, headers: Headers) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How one platform's deliveries are proved, told apart, and understood. Header names are lower case.

    Without a `delivery_id` a delivery is told apart by its topic and body. A ping is a knock without signature that
    must be answered 200 and says nothing.
    """

    name: str
    verify: Verify
    key: Callable[[str], bytes]
    signed_by: bytes
    delivery_id: bytes | None
    topic: bytes | None
    triggered_at: bytes | None
    shop_domain: bytes | None
    parse: Callable[[Object, Arrival, Storefront], Change]
    one_secret_for_all: bool = False
    """The app's secret signs for every shop, so that a store must name its domain and deliveries must name it too."""
    is_ping: Callable[[bytes, Headers], bool] = _no_ping
    has_hooks: bool = True
    """False: its stores are asked, they never call; a store has no secret to sign with."""
    access: AccessForm | None = None
    """How the API of its stores is reached; None: there is none to ask."""

    @property
    def headers(self) -> frozenset[bytes]:
        """All headers that any of this looks at."""
        named = (self.signed_by, self.delivery_id, self.topic, self.triggered_at, self.shop_domain)
        return frozenset(name for name in named if name) | {b"webhook-timestamp"}


def _woocommerce_ping(body: bytes, headers: Headers) -> bool:
    """What WooCommerce sends when a webhook is made: a form with the webhook's number, unsigned."""
    number = body.removeprefix(b"webhook_id=")
    return number != body and number.isdigit() and len(body) < _PING_LENGTH


_PING_LENGTH: Final = 40
SHOPIFY_API_VERSION: Final = "2026-04"
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
        one_secret_for_all=True,
        access=AccessForm(
            secrets=("access_token",), origin=own_domain, path=lambda store: f"/admin/api/{SHOPIFY_API_VERSION}"
        ),
    ),
    "shoplazza": Platform(
        name="shoplazza",
        verify=body_hmac(b"x-shoplazza-hmac-sha256"),
        key=raw_key,
        signed_by=b"x-shoplazza-hmac-sha256",
        delivery_id=b"x-shoplazza-deduplication-id",
        topic=b"x-shoplazza-topic",
        triggered_at=None,
        shop_domain=b"x-shoplazza-shop-domain",
        parse=shoplazza.parse,
        one_secret_for_all=True,
        access=AccessForm(secrets=("access_token",), origin=own_domain),
    ),
    "woocommerce": Platform(
        name="woocommerce",
        verify=body_hmac(b"x-wc-webhook-signature"),
        key=unescaped_key,
        signed_by=b"x-wc-webhook-signature",
        # Not x-wc-webhook-delivery-id: it is one value per webhook and second, so a bulk edit would lose orders.
        delivery_id=None,
        topic=b"x-wc-webhook-topic",
        triggered_at=None,
        # Each webhook has a secret of its own: nothing else needs to tell shops apart.
        shop_domain=None,
        parse=woocommerce.parse,
        is_ping=_woocommerce_ping,
        access=AccessForm(secrets=("consumer_key", "consumer_secret"), origin=own_domain),
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
    "bigcommerce": Platform(
        name="bigcommerce",
        verify=standard_webhooks,
        key=raw_key,
        signed_by=b"webhook-signature",
        delivery_id=b"webhook-id",
        topic=None,
        triggered_at=None,
        shop_domain=None,
        parse=bigcommerce.parse,
        access=AccessForm(
            secrets=("access_token",),
            origin=lambda store: "https://api.bigcommerce.com",
            path=lambda store: f"/stores/{store.account}",
        ),
    ),
    "magento": Platform(
        name="magento",
        verify=no_hooks,
        key=raw_key,
        signed_by=b"",
        delivery_id=None,
        topic=None,
        triggered_at=None,
        shop_domain=None,
        parse=magento.parse,
        has_hooks=False,
        access=AccessForm(secrets=("access_token",), origin=own_domain),
    ),
    # Amazon and Taobao push into queues of their own: a bridge posts each message, signed with the store's secret.
    "amazon": Platform(
        name="amazon",
        verify=standard_webhooks,
        key=whsec_key,
        signed_by=b"webhook-signature",
        delivery_id=b"webhook-id",
        topic=None,
        triggered_at=None,
        shop_domain=None,
        parse=amazon.parse,
        access=AccessForm(secrets=("client_id", "client_secret", "refresh_token"), origin=amazon_origin),
    ),
    "taobao": Platform(
        name="taobao",
        verify=standard_webhooks,
        key=whsec_key,
        signed_by=b"webhook-signature",
        delivery_id=b"webhook-id",
        topic=None,
        triggered_at=None,
        shop_domain=None,
        parse=taobao.parse,
        access=AccessForm(secrets=("app_key", "app_secret", "session"), origin=lambda store: "https://eco.taobao.com"),
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
