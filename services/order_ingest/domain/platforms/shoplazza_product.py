"""Shoplazza's products, translated.

Source: shoplazza.dev, "Product Properties", "Product Details" (OpenAPI 2022-01), "Supported Webhook Events". `tags`
are words for searching, and collections are told apart from products: a body names no category.
"""

from typing import Final

from services.order_ingest.domain.catalogue import ProductSeen, ProductWords
from services.order_ingest.domain.changes import Unheeded
from services.order_ingest.domain.platforms.amounts import stated_amount
from services.order_ingest.domain.reading import Object, each, instant, microseconds, own_id, required, text
from services.order_ingest.domain.storefront import Arrival, Storefront

PRODUCT_TOPICS: Final = frozenset({"products/create", "products/update"})
PRODUCT_DELETED: Final = "products/delete"


def product(body: Object, arrival: Arrival, storefront: Storefront) -> ProductSeen:
    """One version of a product; of several variants the cheapest has its price.

    Raises:
        Malformed: the body is no product's, or something in it cannot be read.
    """
    updated_at = instant(body, "updated_at") or arrival.at
    return ProductSeen(
        external_id=own_id(body),
        updated_us=microseconds(updated_at),
        words=ProductWords(
            title=required(text(body, "title"), "title"),
            brand=text(body, "vendor"),
            price_minor=_price(body, storefront.currency),
        ),
        currency=storefront.currency,
    )


def deleted(body: Object) -> Unheeded:
    """A product that is gone: what was ordered keeps its words, and the body is nothing but the id."""
    own_id(body)
    return Unheeded("ignored", "a product that is deleted stays as its orders know it")


def _price(body: Object, currency: str) -> int | None:
    # Bodies name no currency: prices stand in the shop's own.
    prices = each(body, "variants", lambda variant: stated_amount(variant, "price", currency))
    return min((price for price in prices if price is not None), default=None)
