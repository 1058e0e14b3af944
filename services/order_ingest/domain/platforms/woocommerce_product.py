"""WooCommerce's products, translated.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Products" (v3); class-wc-rest-products-v2-controller.php for
what a variable product and a variation look like; class-wc-webhook.php: hooks of products fire for variations, too.
"""

from collections.abc import Iterator
from typing import Final

from services.order_ingest.domain.catalogue import ProductSeen, ProductWords
from services.order_ingest.domain.changes import Unheeded
from services.order_ingest.domain.platforms.amounts import stated_amount
from services.order_ingest.domain.platforms.woocommerce_parts import plain_name, site_instant
from services.order_ingest.domain.reading import Object, each, microseconds, own_id, required, text
from services.order_ingest.domain.storefront import Arrival, Storefront

PRODUCT_TOPICS: Final = frozenset({"product.created", "product.updated", "product.restored"})
PRODUCT_DELETED: Final = "product.deleted"
_NOT_ON_SALE_YET: Final = frozenset({"auto-draft", "importing", "trash"})
"""An editor that was opened, the importer's place-holder, and what was thrown away: nobody can order these."""
_NO_CATEGORY: Final = "uncategorized"
"""The slug of the category that a product has while it has none."""


def product(body: Object, arrival: Arrival, storefront: Storefront) -> ProductSeen | Unheeded:
    """One version of a product; the price of a variable one is that of its cheapest variation, as WooCommerce says it.

    Raises:
        Malformed: the body is no product's, or something in it cannot be read.
    """
    if (text(body, "type") or "").endswith("variation"):
        # Lines name the product, and the variation beside it: as a product of its own it would never be sold.
        return Unheeded("ignored", "a variation is told with the product that it belongs to")
    status = text(body, "status", length=64)
    if status in _NOT_ON_SALE_YET:
        return Unheeded("ignored", f"the product is {status}")
    zone = storefront.time_zone
    said_at = site_instant(body, "date_modified", zone) or site_instant(body, "date_created", zone) or arrival.at
    required(body.get("name"), "name")
    return ProductSeen(
        external_id=own_id(body),
        updated_us=microseconds(said_at),
        words=_words(body, storefront.currency),
        currency=storefront.currency,
    )


def deleted(body: Object) -> Unheeded:
    """A product that is gone: what was ordered keeps its words, and the body is nothing but the number."""
    own_id(body)
    return Unheeded("ignored", "a product that is deleted stays as its orders know it")


def _words(body: Object, currency: str) -> ProductWords:
    brands = (name for name in each(body, "brands", plain_name) if name)  # since WooCommerce 9.4
    return ProductWords(
        title=plain_name(body) or "-",
        brand=next(brands, None),
        category_path=tuple(dict.fromkeys(_categories(body))),
        # Bodies name no currency: prices stand in the shop's own.
        price_minor=stated_amount(body, "price", currency),
    )


def _categories(body: Object) -> Iterator[str]:
    # The tree is not in the body: all names, in its order, which is the nearest to a path that can be had.
    found = each(body, "categories", lambda item: None if text(item, "slug") == _NO_CATEGORY else plain_name(item))
    return (name for name in found if name)
