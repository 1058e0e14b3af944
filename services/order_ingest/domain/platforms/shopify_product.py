"""Shopify's products, translated. Source: shopify.dev, "Webhooks", topics products/create and products/update."""

from typing import Final

from services.order_ingest.domain.catalogue import ProductSeen, ProductWords
from services.order_ingest.domain.platforms.amounts import amount
from services.order_ingest.domain.reading import Object, each, instant, microseconds, own_id, text
from services.order_ingest.domain.storefront import Arrival, Storefront

PRODUCT_TOPICS: Final = frozenset({"products/create", "products/update"})


def product(body: Object, arrival: Arrival, storefront: Storefront) -> ProductSeen:
    """One version of a product; of several variants the cheapest has its price."""
    updated_at = instant(body, "updated_at") or arrival.at
    kind = text(body, "product_type")
    # Bodies name no currency: prices stand in the shop's own.
    prices = list(each(body, "variants", lambda variant: amount(variant, "price", storefront.currency)))
    return ProductSeen(
        external_id=own_id(body),
        updated_us=microseconds(updated_at),
        words=ProductWords(
            title=text(body, "title") or "-",
            brand=text(body, "vendor"),
            category_path=(kind,) if kind else (),
            price_minor=min(prices, default=None),
        ),
        currency=storefront.currency,
    )
